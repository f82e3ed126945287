#include "handlers/query/postgres_errors.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>

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

// The index of the parameter, from 0, that the server was reading when the error occurred. Its
// context is `unnamed portal parameter $2 = '...'` then, in the language of the server. Functions
// that run meanwhile (the check of a domain) have lines in front of that, and may say anything.
std::optional<std::size_t> read_meanwhile(const PGresult& r, const asked_statement& of) {
  const auto context = diagnosis(r, PG_DIAG_CONTEXT);
  const auto at = context.find_first_of("$\"\n");
  if (at == std::string_view::npos || context[at] != '$') {
    return std::nullopt;
  }
  const auto rest = context.substr(at + 1);
  std::size_t number = 0;
  const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  const auto after = rest.substr(static_cast<std::size_t>(end - rest.data()));
  if (ec != std::errc() || number < 1 || number > of.values.size() ||
      !(after.empty() || after.starts_with(" = '"))) {
    return std::nullopt;
  }
  return number - 1;
}

// The index of the parameter, from 0, whose value is quoted in the message, if it is one only.
std::optional<std::size_t> quoted_in(std::string_view message, const asked_statement& of) {
  const auto names = [message](const std::string& value) {
    return message.find(in_quotes(value)) != std::string_view::npos;
  };
  const auto first = std::find_if(of.values.begin(), of.values.end(), names);
  if (first == of.values.end() ||
      std::find_if(first + 1, of.values.end(), names) != of.values.end()) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(first - of.values.begin());
}

// What PostgreSQL says about values without showing one. It says such things of values of rows,
// too.
constexpr std::array<std::string_view, 7> without_values = {
    "division by zero",      "smallint out of range",        "integer out of range",
    "bigint out of range",   "value out of range: overflow", "value out of range: underflow",
    "numeric field overflow"};
constexpr std::string_view of_patterns = "invalid regular expression: ";
// https://git.postgresql.org/gitweb/?p=postgresql.git;f=src/include/regex/regerrs.h
constexpr std::array<std::string_view, 10> about_patterns = {
    "invalid collating element",    "invalid character class",     "invalid escape \\ sequence",
    "invalid backreference number", "brackets [] not balanced",    "parentheses () not balanced",
    "braces {} not balanced",       "invalid repetition count(s)", "invalid character range",
    "quantifier operand invalid"};
// What it says about a value that it quotes, without that and its quotes.
constexpr std::string_view of_syntax = "invalid input syntax for type ";
constexpr std::array<std::string_view, 14> types = {"bigint",    "boolean",
                                                    "date",      "double precision",
                                                    "integer",   "interval",
                                                    "json",      "numeric",
                                                    "real",      "smallint",
                                                    "time",      "uuid",
                                                    "timestamp", "timestamp with time zone"};

bool is_one_of(const auto& all, std::string_view text) {
  return std::find(all.begin(), all.end(), text) != all.end();
}

bool shows_no_value(std::string_view message) {
  if (message.starts_with(of_syntax) && message.ends_with(": ")) {
    message.remove_prefix(of_syntax.size());
    message.remove_suffix(2);
    return is_one_of(types, message);
  }
  return message.starts_with(of_patterns)
             ? is_one_of(about_patterns, message.substr(of_patterns.size()))
             : is_one_of(without_values, message) ||
                   message == "date/time field value out of range: ";
}

// Without the client's own values that it quotes.
std::string without_own(std::string message, const asked_statement& of) {
  for (const auto& value : of.values) {
    const auto own = in_quotes(value);
    for (auto at = message.find(own); at != std::string::npos; at = message.find(own)) {
      message.erase(at, own.size());
    }
  }
  return message;
}

// In languages other than English other quotation marks are used, which are not ASCII.
bool quotes_something(std::string_view message) {
  return std::any_of(message.begin(), message.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x80 || c == '"'; });
}

// Class 42 (syntax error, something does not exist) is of the report, and has its place in the SQL.
// Without a place it is of a value that is read as a language or a name: to_tsquery($1),
// $1::regclass, current_setting($1).
bool is_a_name_in_a_value(const PGresult& r, const asked_statement& of) {
  return sql_state(r).starts_with("42") && diagnosis(r, PG_DIAG_STATEMENT_POSITION).empty() &&
         diagnosis(r, PG_DIAG_INTERNAL_POSITION).empty() &&
         quoted_in(diagnosis(r, PG_DIAG_MESSAGE_PRIMARY), of).has_value();
}

// Any other message may be made of the values of rows: by a function of the report's own (RAISE),
// or by PostgreSQL, which was given such a value ("date field value out of range: 2026-13-40").
std::string about_arguments(const PGresult& r, const asked_statement& of) {
  const auto message = diagnosis(r, PG_DIAG_MESSAGE_PRIMARY);
  const auto read = read_meanwhile(r, of);
  const auto which = read ? read : quoted_in(message, of);
  const auto& all = of.what->parameters;
  const auto name = which && *which < all.size() ? "parameter \"" + all[*which].name + "\""
                                                 : parameters_in_words(*of.what);
  const auto rest = without_own(std::string(message), of);
  if (shows_no_value(rest) || (read && !quotes_something(rest))) {
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
  const auto ec = is_a_name_in_a_value(error, of) ? errc::bad_argument
                  : l == nullptr                  ? errc::failed
                                                  : l->ec;
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
