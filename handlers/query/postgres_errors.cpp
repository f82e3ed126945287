#include "handlers/query/postgres_errors.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

namespace hangup::query {
namespace {

constexpr std::string_view canceled = "57014";

struct line {
  std::string_view state;  // an SQLSTATE, or the first letters of those not listed before
  errc ec;
  std::string_view words{};  // for the operator; empty: the server's own message
};

// https://www.postgresql.org/docs/current/errcodes-appendix.html. Errors that are not listed are
// faults of the report or the server, and trying again does not help: failed.
constexpr std::array lines = {
    line{"08", errc::unreachable},     // connection exception
    line{"22", errc::bad_argument},    // data exception: out of range, no date, division by zero
    line{"23", errc::bad_argument},    // a constraint is violated
    line{"25P03", errc::unreachable},  // ended because it was idle in a transaction
    line{"25P04", errc::timed_out},    // transaction_timeout
    line{"26000", errc::failed,        // a prepared statement does not exist
         "its statement was lost on the way: a pooler between here and PostgreSQL has to pool "
         "sessions, or transactions, not statements (26000)"},
    line{"28", errc::unreachable},     // the user is not allowed to connect
    line{"3D000", errc::unreachable},  // no such database
    line{"40", errc::busy},            // serialization failure, deadlock, conflict on a standby
    line{"42P05", errc::failed,        // a prepared statement with this name exists already
         "a session is shared: a pooler between here and PostgreSQL has to pool sessions, or "
         "transactions, not statements (42P05)"},
    line{"53", errc::busy},            // out of memory, disk, connections, locks
    line{"55006", errc::busy},         // an object is in use
    line{"55P03", errc::busy},         // lock_timeout, NOWAIT
    line{canceled, errc::busy},        // by somebody else; see statement_timeout below
    line{"57", errc::unreachable},     // the server is shut down, has crashed, is starting
    line{"HV00N", errc::unreachable},  // a foreign server
};

const line* line_of(std::string_view state) noexcept {
  const auto* const found = std::find_if(lines.begin(), lines.end(), [state](const line& l) {
    return state.substr(0, l.state.size()) == l.state;
  });
  return found == lines.end() ? nullptr : found;
}

std::string_view diagnosis(const PGresult& r, int field) noexcept {
  const char* const text = ::PQresultErrorField(&r, field);
  return text == nullptr ? std::string_view() : text;
}

// The server's reason without the hints that it adds for interactive users.
std::string reason(const PGresult& r) {
  const auto message = diagnosis(r, PG_DIAG_MESSAGE_PRIMARY);
  if (message.empty()) {
    return one_line(::PQresultErrorMessage(&r));
  }
  constexpr std::size_t most = 280;  // leaves room for the SQLSTATE in the line
  const auto state = sql_state(r);
  return state.empty() ? one_line(message)
                       : one_line(message.substr(0, most)) + " (" + std::string(state) + ")";
}

std::string in_quotes(std::string_view value) {
  return std::string(1, '"').append(value).append("\"");
}

// The index of the parameter, from 0. If an error occurs while the server reads the parameters, its
// context is `unnamed portal parameter $2 = '...'`, in the language of the server. Messages of
// other errors may quote the value.
std::size_t parameter_of(const PGresult& r, const asked_statement& of) {
  const auto none = of.values.size();
  const auto context = diagnosis(r, PG_DIAG_CONTEXT);
  const auto at = context.find('$');
  if (at != std::string_view::npos && context.substr(0, at).find('"') == std::string_view::npos) {
    const auto rest = context.substr(at + 1);
    std::size_t number = 0;
    const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    const auto after = rest.substr(static_cast<std::size_t>(end - rest.data()));
    if (ec == std::errc() && number >= 1 && number <= none &&
        (after.empty() || after.starts_with(" = '"))) {
      return number - 1;
    }
  }
  const auto message = diagnosis(r, PG_DIAG_MESSAGE_PRIMARY);
  const auto names = [message](const std::string& value) {
    return message.find(in_quotes(value)) != std::string_view::npos;
  };
  const auto first = std::find_if(of.values.begin(), of.values.end(), names);
  if (first == of.values.end() ||
      std::find_if(first + 1, of.values.end(), names) != of.values.end()) {
    return none;
  }
  return static_cast<std::size_t>(first - of.values.begin());
}

// Whether the message can contain only what the client has sent. Text that PostgreSQL quotes may be
// the value of a row. In languages other than English other quotation marks are used, which are not
// ASCII.
bool is_for_clients(std::string message, const asked_statement& of) {
  for (const auto& value : of.values) {
    const auto own = in_quotes(value);
    for (auto at = message.find(own); at != std::string::npos; at = message.find(own)) {
      message.erase(at, own.size());
    }
  }
  return std::all_of(message.begin(), message.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '"'; });
}

std::string about_arguments(const PGresult& r, const asked_statement& of) {
  const auto which = parameter_of(r, of);
  const auto& all = of.what->parameters;
  const auto name =
      which < all.size() ? "parameter \"" + all[which].name + "\"" : parameters_in_words(*of.what);
  if (is_for_clients(std::string(diagnosis(r, PG_DIAG_MESSAGE_PRIMARY)), of)) {
    return name + ": " + reason(r);
  }
  return name + ": the value cannot be used (" + std::string(sql_state(r)) + ")";
}

}  // namespace

errc meaning_of(std::string_view state) noexcept {
  const auto* const l = line_of(state);
  return l == nullptr ? errc::failed : l->ec;
}

std::string_view sql_state(const PGresult& error) noexcept {
  return diagnosis(error, PG_DIAG_SQLSTATE);
}

std::error_code meaning_of(const PGresult& error, const asked_statement& of, std::string& why) {
  const auto state = sql_state(error);
  const auto* const l = line_of(state);
  why = l != nullptr && !l->words.empty() ? std::string(l->words) : reason(error);
  if (state == canceled && of.limit.count() > 0 && of.has_taken >= of.limit) {
    why = "the server's statement_timeout is " + std::to_string(of.limit.count()) + " ms";
    return errc::timed_out;
  }
  const auto ec = l == nullptr ? errc::failed : l->ec;
  if (ec != errc::bad_argument) {
    return ec;
  }
  if (of.what == nullptr || of.values.empty() || of.what->parameters.empty()) {
    return errc::failed;  // there was no argument that could be wrong
  }
  why = about_arguments(error, of);
  return ec;
}

}  // namespace hangup::query
