#include "handlers/query/postgres_connection.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "hangup/context/wait.h"
#include "hangup/worker/loop.h"
#include "http/wire/number.h"

namespace hangup::query {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr auto margin = 1s;  // statement_timeout is later than the end of the context by this much
constexpr const char* as_new = "DISCARD ALL";

// The session's statement_timeout in milliseconds at the time when the server reads this. It may
// come from the role, the database or the configuration, which may have been reloaded. 0: none.
constexpr std::string_view own_limit =
    "(extract(epoch FROM pg_catalog.current_setting('statement_timeout')::pg_catalog.interval)"
    " * 1000)::pg_catalog.int8";

// For a new session.
const report nothing{.name = "", .sql = "SELECT 1"};

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

// The statement_timeout for a statement: the time left to the request plus a margin, rounded up to
// a power of two, so that requests with the same deadline get the same value. Empty if there is no
// deadline.
std::optional<milliseconds> limit_for(const context& ctx) {
  const auto until = ctx.deadline();
  if (!until) {
    return std::nullopt;
  }
  constexpr std::int64_t longest = 1'000'000'000;  // the server's own maximum is 2^31
  const auto left = std::chrono::ceil<milliseconds>(*until - context::clock::now()) + margin;
  const auto ms = std::clamp<std::int64_t>(left.count(), 1, longest);
  return milliseconds(std::bit_ceil(static_cast<std::uint64_t>(ms)));
}

// A duration as the server shows it in settings: in the largest unit in which it is a whole number.
milliseconds time_of(std::string_view shown) noexcept {
  constexpr std::array<std::pair<std::string_view, milliseconds>, 5> units = {
      {{"ms", 1ms}, {"s", 1s}, {"min", 1min}, {"h", 1h}, {"d", 24h}}};
  const auto digits = std::min(shown.find_first_not_of("0123456789"), shown.size());
  const auto number = http::whole_number<std::int64_t>(shown.substr(0, digits)).value_or(0);
  const auto* const unit = std::find_if(
      units.begin(), units.end(), [&](const auto& u) { return u.first == shown.substr(digits); });
  return unit == units.end() ? 0ms : number * unit->second;
}

// How much has come to the socket and has not been read.
std::size_t unread(int fd) noexcept {
  int bytes = 0;
  return ::ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

// Whether the server ends an idle session with this message.
bool ends_idle(const PGresult& error) noexcept {
  const char* const severity = ::PQresultErrorField(&error, PG_DIAG_SEVERITY_NONLOCALIZED);
  const auto state = sql_state(error);
  return severity != nullptr && std::string_view(severity) == "FATAL" &&
         (state == "57P01" || state == "57P05" || state == "25P03");
}

}  // namespace

task<std::error_code> postgres_connection::open(const context& ctx, const postgres_options& how,
                                                pool& large_rows,
                                                std::unique_ptr<postgres_connection>& opened,
                                                std::string& why) {
  // Parameters before "dbname" are defaults that the connection string overrides. The connection
  // for a cancel request inherits the TCP timeouts, which are the only limit that libpq has for it.
  static constexpr std::array names = {
      "fallback_application_name", "keepalives_idle",
      "keepalives_interval",       "keepalives_count",
      "tcp_user_timeout",          "dbname",
      "client_encoding",           static_cast<const char*>(nullptr)};
  const std::array values = {"hangup", "10",
                             "5",      "3",
                             "10000",  how.conninfo.c_str(),
                             "UTF8",   static_cast<const char*>(nullptr)};
  const auto patience = with_timeout(ctx, how.connect_timeout);
  const context& soon = patience.ctx;
  auto* const link = ::PQconnectStartParams(names.data(), values.data(), 1);
  if (link == nullptr) {
    throw std::bad_alloc();
  }
  std::unique_ptr<postgres_connection> fresh(
      new postgres_connection(link, how.read_only, large_rows));
  auto ec = co_await fresh->connect(soon, why);
  if (!ec) {
    ec = co_await fresh->set_up(soon, why);
  }
  if (!ec) {
    opened = std::move(fresh);
    co_return std::error_code();
  }
  if (ctx.done()) {
    co_return ctx.err();
  }
  if (soon.done()) {
    why = "no answer within " + std::to_string(how.connect_timeout.count()) + " ms";
  }
  co_return errc::unreachable;
}

task<std::error_code> postgres_connection::connect(const context& ctx, std::string& why) {
  // Without this, notices are printed on standard error.
  ::PQsetNoticeProcessor(
      link_,
      [](void* self, const char*) {
        static_cast<postgres_connection*>(self)->coming_ = 0;
        static_cast<postgres_connection*>(self)->some_whole_ = true;
      },
      this);
  // A connection that could not be started reports that at the first poll.
  for (auto next = ::PQstatus(link_) == CONNECTION_BAD ? PGRES_POLLING_FAILED
                                                       : PGRES_POLLING_WRITING;
       next != PGRES_POLLING_OK; next = ::PQconnectPoll(link_)) {
    if (next == PGRES_POLLING_FAILED) {
      co_return gone(why);
    }
    const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (const std::error_code ec = co_await wait_fd(ctx, fd(), events)) {
      co_return ec;
    }
  }
  ::PQsetnonblocking(link_, 1);
  ::PQenterPipelineMode(link_);
  auto* const handle = ::PQgetCancel(link_);
  if (handle == nullptr) {
    throw std::bad_alloc();
  }
  cancel_ = std::make_shared<postgres_cancel>(handle);
  co_return std::error_code();
}

// Tries the settings that each report will have; those that the server does not know are left out.
// client_connection_check_interval is a second safety net: if this program dies or a cancel request
// is lost, the server itself notices. It exists from PostgreSQL 14 on; without it (or on a system
// that does not support it) statement_timeout remains.
task<std::error_code> postgres_connection::set_up(const context& ctx, std::string& why) {
  for (;;) {
    auto ec = begin(ctx, nothing, {}, why);
    for (postgres_result row; !ec;) {
      ec = co_await next(ctx, nullptr, row, why);
      if (!row) {
        break;
      }
    }
    if (ec == errc::failed && !set_ && checks_client_) {
      checks_client_ = false;
      if (co_await ready(ctx, why)) {
        co_return ec;
      }
      continue;
    }
    if (ec) {
      co_return ec;
    }
    co_return co_await ready(ctx, why);
  }
}

postgres_connection::~postgres_connection() {
  ::PQfinish(link_);
}

task<std::error_code> postgres_connection::ready(const context& ctx, std::string& why) {
  while (syncs_ > 0) {
    postgres_result r;
    switch (take(r)) {
      case event::result:  // DISCARD ALL has failed
        worn_ = true;
        why = sql_state(*r).empty() ? one_line(::PQresultErrorMessage(r.get())) : "DISCARD ALL";
        co_return errc::unreachable;
      case event::lost:
        co_return gone(why);
      case event::nothing:
        if (const auto ec = co_await wait(ctx, context::clock::time_point::max(), why)) {
          co_return ctx.done() ? ec : std::error_code(errc::unreachable);
        }
        break;
      default:
        break;
    }
  }
  pollfd look{fd(), POLLIN, 0};
  if (!idle() || ::poll(&look, 1, 0) < 0) {
    co_return gone(why);
  }
  // This may be a notice or a changed parameter. It may also be the server's final message or a
  // FIN, and then the connection has ended.
  if (look.revents != 0 &&
      (!receive() || ::PQstatus(link_) != CONNECTION_OK || ::poll(&look, 1, 0) != 0)) {
    co_return gone(why);
  }
  while (auto* const told = ::PQnotifies(link_)) {  // left over from a LISTEN
    ::PQfreemem(told);
  }
  co_return std::error_code();
}

bool postgres_connection::lost() const noexcept {
  return worn_ || ::PQstatus(link_) == CONNECTION_BAD;
}

void postgres_connection::refuse_row() noexcept {
  too_large_ = true;
  worn_ = true;
}

// libpq's message, without the address of the server, which clients need not know.
std::error_code postgres_connection::gone(std::string& why) const {
  if (too_large_) {
    why = "it has more than " + std::to_string(most_row_bytes) + " bytes";
    return errc::too_large;
  }
  std::string_view message = ::PQerrorMessage(link_);
  constexpr std::string_view failed = "failed: ";
  if (const auto at = message.find(failed);
      message.starts_with("connection to server") && at != std::string_view::npos) {
    message.remove_prefix(at + failed.size());
  }
  why = one_line(message.substr(0, message.find('\n')));
  return errc::unreachable;
}

bool postgres_connection::send(const char* sql, const std::vector<std::string>& values) {
  std::vector<const char*> texts;
  texts.reserve(values.size());
  for (const auto& v : values) {
    texts.push_back(v.c_str());
  }
  // The server derives the types of the parameters from the statement.
  const int accepted = ::PQsendQueryParams(link_, sql, static_cast<int>(texts.size()), nullptr,
                                           texts.data(), nullptr, nullptr, 0);
  unsent_ = true;  // take() flushes
  return accepted != 0;
}

bool postgres_connection::end_group() noexcept {
  if (::PQpipelineSync(link_) == 0) {
    return false;
  }
  ++syncs_;
  return true;
}

bool postgres_connection::discard() {
  const bool accepted = (!in_transaction() || (send("ROLLBACK", {}) && end_group())) &&
                        send(as_new, {}) && end_group();
  worn_ = worn_ || !accepted;
  return accepted;
}

postgres_connection::event postgres_connection::take(postgres_result& result) noexcept {
  if (early_) {
    result = std::move(early_result_);
    return *std::exchange(early_, std::nullopt);
  }
  return take_arrived(result);
}

postgres_connection::event postgres_connection::take_arrived(postgres_result& result) noexcept {
  if (unsent_) {
    const int left = ::PQflush(link_);
    unsent_ = left == 1;
    worn_ = worn_ || left < 0;
  }
  // libpq returns a null after the results of each statement, and only nulls after the last one.
  bool nothing_more = false;
  while (::PQisBusy(link_) == 0) {
    result.reset(::PQgetResult(link_));
    if (!result) {
      if (std::exchange(nothing_more, true)) {
        return lost() ? event::lost : event::idle;
      }
      if (reading_ == part::settings) {
        reading_ = part::report;
        ::PQsetSingleRowMode(link_);
      }
      continue;
    }
    nothing_more = false;
    coming_ = 0;
    // The server sends the result of the settings together with the first bytes of the first row.
    some_whole_ = some_whole_ || reading_ != part::settings;
    if (::PQresultMemorySize(result.get()) > most_row_bytes) {
      result.reset();
      refuse_row();
      return event::lost;
    }
    switch (::PQresultStatus(result.get())) {
      case PGRES_PIPELINE_SYNC:
        --syncs_;
        if (std::exchange(reading_, part::rest) != part::rest) {
          return event::report_over;
        }
        if (syncs_ == 0) {
          return event::idle;
        }
        break;
      case PGRES_PIPELINE_ABORTED:  // after an error
        break;
      case PGRES_FATAL_ERROR:
        unheard_ = unheard_ || (reading_ == part::settings && !set_ && ends_idle(*result));
        return event::result;
      case PGRES_COPY_IN:
      case PGRES_COPY_OUT:
      case PGRES_COPY_BOTH:
        return event::result;
      default:
        if (reading_ == part::report) {
          return event::result;
        }
        if (reading_ == part::settings) {
          set_ = true;
          if (::PQntuples(result.get()) == 1) {
            asked_.limit = time_of(::PQgetvalue(result.get(), 0, 0));
          }
        }
    }
  }
  if (coming_ > most_row_bytes) {
    refuse_row();
  }
  return lost() ? event::lost : event::nothing;
}

bool postgres_connection::receive() noexcept {
  constexpr std::size_t usual = 16 * 1024;  // of libpq, unless a row is larger
  if (too_large_) {
    return false;
  }
  const auto before = unread(fd());
  const bool reads = ::PQconsumeInput(link_) != 0;
  const auto after = unread(fd());  // with what has come meanwhile
  const auto read = before - std::min(before, after);
  coming_ += read;
  turn_.moved(std::max(read, usual));
  if (!reads) {
    worn_ = true;
    return false;
  }
  return true;
}

std::error_code postgres_connection::error_of(const PGresult& error, std::string& why) {
  asked_.has_taken = std::chrono::duration_cast<milliseconds>(context::clock::now() - sent_);
  const auto ec = meaning_of(error, asked_, why);
  return lost() && sql_state(error).empty() ? errc::unreachable : ec;
}

// Waits until there is something to read, or until `until`, and reads. If poll(2) fails, the
// connection must be closed afterwards.
task<std::error_code> postgres_connection::wait(const context& ctx,
                                                context::clock::time_point until,
                                                std::string& why) {
  const std::error_code ec = co_await wait_fd(ctx, fd(), awaits(), until);
  if (!ec) {
    co_return co_await read(ctx);
  }
  if (ctx.done() || ec == std::errc::timed_out) {
    co_return ec;
  }
  worn_ = true;
  why = "poll: " + ec.message();
  co_return errc::failed;
}

// If it is lost, the server's final message can still be taken.
task<std::error_code> postgres_connection::read(const context& ctx) {
  const auto by_worker = [this](const context&) {
    receive();
    const auto e = take_arrived(early_result_);
    if (e != event::nothing) {
      early_ = e;
    }
    return std::error_code();
  };
  if (!std::exchange(some_whole_, false)) {
    const std::error_code ec = co_await on(large_rows_, ctx, by_worker);
    if (!ec || ctx.done()) {
      co_return ec;
    }
  }
  receive();
  if (turn_.is_over()) {
    const std::error_code ended = co_await yield(ctx);
    co_return ended;
  }
  co_return std::error_code();
}

bool postgres_connection::take_next(const context& ctx, postgres_result& result,
                                    std::error_code& error, std::string& why) {
  for (;;) {
    error = ctx.err();
    if (error) {
      return true;
    }
    switch (take(result)) {
      case event::report_over:
      case event::idle:
        result.reset();
        error = failed_;
        return true;
      case event::lost:
        error = failed_ ? failed_ : gone(why);
        return true;
      case event::nothing:
        return false;
      case event::result:
        break;
    }
    switch (::PQresultStatus(result.get())) {
      case PGRES_FATAL_ERROR:
        failed_ = failed_ ? failed_ : error_of(*result, why);
        break;
      case PGRES_COPY_IN:
      case PGRES_COPY_OUT:
      case PGRES_COPY_BOTH:
        worn_ = true;
        why = "the SQL of a report must not use COPY";
        error = errc::failed;
        return true;
      default:
        return true;
    }
  }
}

task<std::error_code> postgres_connection::next(const context& ctx, row_sink* to,
                                                postgres_result& result, std::string& why) {
  using time_point = context::clock::time_point;
  auto until = to == nullptr ? time_point::max() : context::clock::now() + row_sink::gather_time;
  std::error_code error;
  while (!take_next(ctx, result, error, why)) {
    error = co_await wait(ctx, until, why);
    if (error == std::errc::timed_out && !ctx.done()) {
      error = to->idle(ctx);
      if (!error && to->is_full()) {
        error = co_await to->flush(ctx);
      }
      until = time_point::max();
    }
    if (error) {
      co_return error;
    }
  }
  co_return error;
}

std::error_code postgres_connection::begin(const context& ctx, const report& what,
                                           const arguments& with, std::string& why) {
  asked_ = {.what = &what, .values = {}};
  asked_.values.reserve(with.size());
  for (const auto& v : with) {
    asked_.values.push_back(text_of(v));
  }
  const auto ours = limit_for(ctx);
  std::vector<std::string> values;
  std::string settings = "SELECT pg_catalog.current_setting('statement_timeout')";
  if (ours) {  // its result is the limit that the statement gets
    values.push_back(std::to_string(ours->count()));
    settings =
        "SELECT pg_catalog.set_config('statement_timeout', LEAST($1::pg_catalog.int8, NULLIF(";
    settings += own_limit;
    settings += ", 0))::pg_catalog.text, true)";
  }
  if (read_only_) {  // the second one is for transactions that a procedure begins after a COMMIT
    settings +=
        ", pg_catalog.set_config('transaction_read_only', 'on', true)"
        ", pg_catalog.set_config('default_transaction_read_only', 'on', false)";
  }
  if (checks_client_) {
    settings += ", pg_catalog.set_config('client_connection_check_interval', '1000', true)";
  }
  reading_ = part::settings;
  set_ = false;
  unheard_ = false;
  failed_ = {};
  coming_ = 0;
  some_whole_ = true;
  sent_ = context::clock::now();
  if (send(settings.c_str(), values) && send(what.sql.c_str(), asked_.values) && end_group() &&
      send(as_new, {}) && end_group()) {
    return {};
  }
  worn_ = true;
  return gone(why);
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
      if (const auto n = http::whole_number<std::int64_t>(text)) {
        return *n;
      }
      break;
    case 700:   // float4
    case 701:   // float8
    case 1700:  // numeric
      if (const auto n = http::whole_number<double>(text); n && std::isfinite(*n)) {
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
