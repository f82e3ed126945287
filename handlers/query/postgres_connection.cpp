#include "handlers/query/postgres_connection.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include "context/wait.h"

namespace hangup::query {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr auto margin = 1s;  // statement_timeout comes that much after the context's own end
constexpr const char* no_longer_valid = "0A000";  // "cached plan must not change result type"
constexpr const char* not_prepared = "26000";

std::string_view sql_state(const PGresult& r) noexcept {
  const char* const state = ::PQresultErrorField(&r, PG_DIAG_SQLSTATE);
  return state == nullptr ? std::string_view() : state;
}

// The server's reason without what it adds for whoever typed the statement.
std::string reason(const PGresult& r) {
  const char* const message = ::PQresultErrorField(&r, PG_DIAG_MESSAGE_PRIMARY);
  if (message == nullptr) {
    return one_line(::PQresultErrorMessage(&r));
  }
  const auto state = sql_state(r);
  return one_line(state.empty() ? std::string(message)
                                : std::string(message) + " (" + std::string(state) + ")");
}

std::string text_of(const value& v) {
  if (const auto* const text = std::get_if<std::string>(&v)) {
    return *text;
  }
  std::array<char, 32> digits{};
  const auto written = std::holds_alternative<std::int64_t>(v)
                           ? std::to_chars(digits.begin(), digits.end(), std::get<std::int64_t>(v))
                           : std::to_chars(digits.begin(), digits.end(), std::get<double>(v));
  return {digits.begin(), written.ptr};
}

template <class Number>
std::optional<Number> number_in(std::string_view text) noexcept {
  Number n{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return n;
}

}  // namespace

std::error_code postgres_connection::open(const context& ctx, const postgres_options& how,
                                          std::unique_ptr<postgres_connection>& opened,
                                          std::string& why) {
  // What comes before "dbname" are defaults that the connection string goes over. The connection
  // for a cancel inherits the timeouts of TCP: it is the only limit that libpq has for it.
  static constexpr std::array names = {
      "fallback_application_name", "keepalives_idle",
      "keepalives_interval",       "keepalives_count",
      "tcp_user_timeout",          "dbname",
      "client_encoding",           static_cast<const char*>(nullptr)};
  const std::array values = {"hangup", "10",
                             "5",      "3",
                             "10000",  how.conninfo.c_str(),
                             "UTF8",   static_cast<const char*>(nullptr)};
  const auto [soon, cancel] = with_timeout(ctx, how.connect_timeout);
  auto* const link = ::PQconnectStartParams(names.data(), values.data(), 1);
  if (link == nullptr) {
    throw std::bad_alloc();
  }
  std::unique_ptr<postgres_connection> fresh(new postgres_connection(link));
  auto ec = fresh->connect(soon, why);
  if (!ec) {
    ec = fresh->set_up(soon, how, why);
  }
  if (!ec) {
    opened = std::move(fresh);
    return {};
  }
  if (ctx.done()) {
    return ctx.err();
  }
  if (soon.done()) {
    why = "no answer within " + std::to_string(how.connect_timeout.count()) + " ms";
  }
  return errc::unreachable;
}

std::error_code postgres_connection::connect(const context& ctx, std::string& why) {
  ::PQsetNoticeProcessor(
      link_, [](void*, const char*) {}, nullptr);  // else on standard error
  // A connection that has failed to start says so at the first poll.
  for (auto next = ::PQstatus(link_) == CONNECTION_BAD ? PGRES_POLLING_FAILED
                                                       : PGRES_POLLING_WRITING;
       next != PGRES_POLLING_OK; next = ::PQconnectPoll(link_)) {
    if (next == PGRES_POLLING_FAILED) {
      return gone(why);
    }
    if (const auto ec =
            wait_fd(ctx, fd(), next == PGRES_POLLING_READING ? short{POLLIN} : short{POLLOUT})) {
      return ec;
    }
  }
  ::PQsetnonblocking(link_, 1);
  auto* const handle = ::PQgetCancel(link_);
  if (handle == nullptr) {
    throw std::bad_alloc();
  }
  cancel_ = std::make_shared<postgres_cancel>(handle);
  return {};
}

std::error_code postgres_connection::set_up(const context& ctx, const postgres_options& how,
                                            std::string& why) {
  if (how.read_only) {
    if (const auto ec = execute(ctx, "SET default_transaction_read_only = on", why)) {
      return ec;
    }
  }
  // The second belt: should we die, or a cancel be lost, the server finds out by itself. From
  // PostgreSQL 14 on; without it (or on a system where it cannot) there is statement_timeout.
  const auto ec = execute(ctx, "SET client_connection_check_interval = 1000", why);
  return ec == errc::failed ? std::error_code{} : ec;
}

postgres_connection::~postgres_connection() {
  ::PQfinish(link_);
}

bool postgres_connection::alive() noexcept {
  if (lost() || !idle()) {
    return false;
  }
  pollfd look{fd(), POLLIN, 0};
  if (::poll(&look, 1, 0) == 0) {
    return true;
  }
  // A notice, the change of a parameter; or the server's last words, or a FIN: then there is an
  // end.
  return receive() && ::PQstatus(link_) == CONNECTION_OK && ::poll(&look, 1, 0) == 0;
}

bool postgres_connection::idle() const noexcept {
  return !under_way_ && !lost() && !in_transaction();
}

bool postgres_connection::lost() const noexcept {
  return worn_ || ::PQstatus(link_) == CONNECTION_BAD;
}

// libpq's words, less what is not a client's business: where the server is.
std::error_code postgres_connection::gone(std::string& why) const {
  std::string_view said = ::PQerrorMessage(link_);
  constexpr std::string_view failed = "failed: ";
  if (const auto at = said.find(failed);
      said.starts_with("connection to server") && at != std::string_view::npos) {
    said.remove_prefix(at + failed.size());
  }
  why = one_line(said.substr(0, said.find('\n')));
  return errc::unreachable;
}

bool postgres_connection::sent(int accepted) noexcept {
  if (accepted == 0) {
    worn_ = true;
    return false;
  }
  under_way_ = true;
  unsent_ = true;  // take() flushes
  return true;
}

bool postgres_connection::send(const char* sql) noexcept {
  return sent(::PQsendQuery(link_, sql));
}

postgres_connection::event postgres_connection::take(postgres_result& result) noexcept {
  if (unsent_) {
    const int left = ::PQflush(link_);
    unsent_ = left == 1;
    if (left < 0 && ::PQisBusy(link_) != 0) {
      worn_ = true;
      return event::lost;
    }
  }
  if (::PQisBusy(link_) != 0) {
    return event::nothing;
  }
  result.reset(::PQgetResult(link_));
  if (result) {
    if (!preparing_.empty() && ::PQresultStatus(result.get()) == PGRES_COMMAND_OK) {
      prepared_.insert(preparing_);  // here, because whoever asked may have left
    }
    return event::result;
  }
  preparing_.clear();
  under_way_ = false;
  return lost() ? event::lost : event::over;
}

bool postgres_connection::receive() noexcept {
  if (::PQconsumeInput(link_) == 0) {
    worn_ = true;
    return false;
  }
  return true;
}

std::error_code postgres_connection::next(const context& ctx, row_sink* to, postgres_result& result,
                                          std::string& why) {
  auto until = to == nullptr ? context::clock::time_point::max()
                             : context::clock::time_point::min();  // not known yet
  for (;;) {
    if (const auto ended = ctx.err()) {
      return ended;
    }
    switch (take(result)) {
      case event::over:
        result.reset();
        return {};
      case event::lost:
        return gone(why);
      case event::nothing:
        break;
      case event::result:
        switch (::PQresultStatus(result.get())) {
          case PGRES_FATAL_ERROR:
            why = reason(*result);
            // A statement prepared before the tables changed: the next connection prepares anew.
            worn_ = worn_ || sql_state(*result) == no_longer_valid ||
                    sql_state(*result) == not_prepared;
            return ::PQstatus(link_) == CONNECTION_BAD ? errc::unreachable : errc::failed;
          case PGRES_COPY_IN:
          case PGRES_COPY_OUT:
          case PGRES_COPY_BOTH:
            worn_ = true;
            why = "COPY is no statement of a report";
            return errc::failed;
          default:
            return {};
        }
    }
    if (until == context::clock::time_point::min()) {
      until = context::clock::now() + row_sink::gather_time;
    }
    const auto ec = wait_fd(ctx, fd(), awaits(), until);
    if (ec && ctx.done()) {
      return ec;
    }
    if (ec == std::errc::timed_out) {
      if (const auto stop = to->idle(ctx)) {
        return stop;
      }
      until = context::clock::time_point::max();
      continue;
    }
    if (ec) {
      worn_ = true;
      why = "poll: " + ec.message();
      return errc::failed;
    }
    if (!receive()) {
      // What the server has said last is still there to be taken.
      if (::PQisBusy(link_) != 0) {
        return gone(why);
      }
    }
  }
}

// The rest of the results, up to the end of the statement.
std::error_code postgres_connection::finish(const context& ctx, std::string& why) {
  std::error_code first;
  for (;;) {
    postgres_result r;
    std::string reason_of_this;
    const auto ec = next(ctx, nullptr, r, reason_of_this);
    if (ec && !first) {
      first = ec;
      why = reason_of_this;
    }
    if (ec && ec != errc::failed) {
      return first == errc::failed ? ec : first;
    }
    if (lost() || (!ec && !r)) {
      return first;
    }
  }
}

std::error_code postgres_connection::execute(const context& ctx, const char* sql,
                                             std::string& why) {
  return send(sql) ? finish(ctx, why) : gone(why);
}

// In steps of powers of two, so that requests of one deadline need not set it each time.
std::error_code postgres_connection::limit_time(const context& ctx, std::string& why) {
  milliseconds most{0};
  if (const auto until = ctx.deadline()) {
    const auto left = std::chrono::ceil<milliseconds>(*until - context::clock::now()) + margin;
    constexpr std::int64_t longest = 1'000'000'000;  // ms; the server's own limit is 2^31
    const auto ms = std::clamp<std::int64_t>(left.count(), 1, longest);
    most = milliseconds(std::bit_ceil(static_cast<std::uint64_t>(ms)));
  }
  if (most == statement_time_) {
    return {};
  }
  const auto sql = "SET statement_timeout = " + std::to_string(most.count());
  statement_time_ = milliseconds(-1);
  const auto ec = execute(ctx, sql.c_str(), why);
  if (ec && ec != errc::failed) {
    return ec;
  }
  statement_time_ = most;  // also on a server that does not have it
  return {};
}

std::error_code postgres_connection::begin(const context& ctx, const report& what,
                                           const arguments& with, std::string& why) {
  if (const auto ec = limit_time(ctx, why)) {
    return ec;
  }
  if (!prepared_.contains(what.name)) {
    // The types of the parameters are what the statement makes of them.
    if (!sent(::PQsendPrepare(link_, what.name.c_str(), what.sql.c_str(), 0, nullptr))) {
      return gone(why);
    }
    preparing_ = what.name;
    if (const auto ec = finish(ctx, why)) {
      return ec;
    }
  }
  std::vector<std::string> texts;
  std::vector<const char*> values;
  texts.reserve(with.size());
  for (const auto& v : with) {
    values.push_back(texts.emplace_back(text_of(v)).c_str());
  }
  if (!sent(::PQsendQueryPrepared(link_, what.name.c_str(), static_cast<int>(values.size()),
                                  values.data(), nullptr, nullptr, 0))) {
    return gone(why);
  }
  ::PQsetSingleRowMode(link_);
  return {};
}

field field_of(const PGresult& row, int column) noexcept {
  if (::PQgetisnull(&row, 0, column) != 0) {
    return std::monostate{};
  }
  const std::string_view text(::PQgetvalue(&row, 0, column),
                              static_cast<std::size_t>(::PQgetlength(&row, 0, column)));
  // The oids of pg_type.dat, which never change.
  switch (::PQftype(&row, column)) {
    case 16:  // bool
      return std::int64_t{text == "t"};
    case 20:  // int8
    case 21:  // int2
    case 23:  // int4
    case 26:  // oid
      if (const auto n = number_in<std::int64_t>(text)) {
        return *n;
      }
      break;
    case 700:   // float4
    case 701:   // float8
    case 1700:  // numeric
      if (const auto n = number_in<double>(text); n && std::isfinite(*n)) {
        return *n;
      }
      break;
    default:
      break;
  }
  return text;
}

bool is_conninfo(const std::string& text) noexcept {
  auto* const parsed = ::PQconninfoParse(text.c_str(), nullptr);
  ::PQconninfoFree(parsed);
  return parsed != nullptr;
}

}  // namespace hangup::query
