#include "handlers/query/postgres.h"

#include <utility>
#include <vector>

#include "hangup/context/wait.h"
#include "hangup/http/request.h"
#include "hangup/worker/loop.h"

namespace hangup::query {

using clock = context::clock;

using namespace std::chrono_literals;

// Discards rows.
class postgres::nowhere final : public row_sink {
 public:
  std::error_code columns(const context&, std::span<const std::string>) override { return {}; }
  std::error_code row(const context&, std::span<const field>) override { return {}; }
  std::error_code idle(const context&) override { return {}; }
};

// A statement that has begun, and its connection.
class postgres::statement final : public waiting_query {
 public:
  statement(postgres& of, lease<postgres_connection> on) : of_(of), on_(std::move(on)) {}
  ~statement() override { leave(clock::now()); }

  // Waits for the first result.
  task<std::error_code> begin(const context& ctx, const report& what, const arguments& with,
                              std::string& why) {
    auto ec = on_->begin(ctx, what, with, why);
    if (!ec) {
      ec = co_await on_->next(ctx, nullptr, first_, why);
    }
    co_return seen(ctx, ec);
  }

  // Whether the server has not read the statement.
  bool unheard() const noexcept { return on_ && on_->unheard(); }

  // Returns the connection, which has died, with its place.
  lease<postgres_connection> lost() {
    first_.reset();
    return on_ && on_->lost() ? std::move(on_) : lease<postgres_connection>();
  }

  task<std::error_code> rows(const context& ctx, row_sink& to, std::string& why) override {
    const auto ec = co_await hand_over(ctx, to, why);
    co_return seen(ctx, ec);
  }

 private:
  task<std::error_code> hand_over(const context& ctx, row_sink& to, std::string& why) {
    constexpr unsigned rows_in_a_turn = 1'000;
    auto result = std::move(first_);
    std::vector<std::string> names;
    names.reserve(static_cast<std::size_t>(::PQnfields(result.get())));
    for (int i = 0; i < ::PQnfields(result.get()); ++i) {
      names.emplace_back(::PQfname(result.get(), i));
    }
    auto ec = to.columns(ctx, names);
    std::vector<field> fields(names.size());
    for (unsigned n = 1; !ec && result; ++n) {
      if (::PQntuples(result.get()) == 1) {
        for (std::size_t i = 0; i < fields.size(); ++i) {
          fields[i] = field_of(*result, static_cast<int>(i));
        }
        ec = to.row(ctx, fields);
      }
      if (!ec && to.is_full()) {
        ec = co_await to.flush(ctx);
      }
      if (!ec && n % rows_in_a_turn == 0) {
        ec = co_await yield(ctx);  // rows may come faster than they are passed on
      }
      if (!ec && !on_->take_next(ctx, result, ec, why)) {
        ec = co_await on_->next(ctx, &to, result, why);
      }
    }
    co_return ec;
  }

  // Handles the result of a step. If the context has ended, the connection is handed over before
  // this returns.
  std::error_code seen(const context& ctx, std::error_code ec) {
    if (ec && ctx.done()) {
      leave(ctx.cause()->at);
      http::work_stopped(ctx);
      return ctx.err();
    }
    return ec;
  }

  // Returns the connection to the pool if nothing is running on it, closes it if it is lost, and
  // otherwise has it settled. To give back the memory of a large row takes long, so that is done
  // where connections are settled, too.
  void leave(clock::time_point stopped) noexcept {
    first_.reset();
    if (!on_) {
      return;
    }
    if (on_->is_large() || (!on_->lost() && !on_->over())) {
      of_.cancelled_.settle(std::move(on_), stopped);
      return;
    }
    if (on_->over()) {
      on_.keep();
    }
    on_ = lease<postgres_connection>();
  }

  postgres& of_;
  lease<postgres_connection> on_;
  postgres_result first_;
};

// The same for a thread.
class postgres::blocking_statement final : public running {
 public:
  explicit blocking_statement(std::unique_ptr<waiting_query> one) : one_(std::move(one)) {}
  std::error_code rows(const context& ctx, row_sink& to, std::string& why) override {
    return run_blocking(one_->rows(ctx, to, why));
  }

 private:
  const std::unique_ptr<waiting_query> one_;
};

postgres::postgres(postgres_options how, std::function<void(const settled&)> tell)
    : how_(std::move(how)),
      tell_(std::move(tell)),
      large_rows_({.name = "large rows",
                   .workers = 2,
                   .queue = static_cast<unsigned>(how_.connections + how_.spare_connections)}),
      connections_(how_.connections, how_.spare_connections),
      cancelled_(how_.connections + how_.spare_connections, how_.settle_timeout,
                 [this](const settled& s) { told(s); }) {}

task<std::error_code> postgres::connected(const context& ctx, std::chrono::milliseconds patience,
                                          lease<postgres_connection>& to, std::string& why) {
  if (const auto ec = co_await connections_.take_later(ctx, patience, to)) {
    why = "no connection came free within " + std::to_string(patience.count()) + " ms";
    co_return ec;
  }
  if (to) {
    const auto soon = with_timeout(ctx, how_.connect_timeout);
    if (!co_await to->ready(soon.ctx, why)) {
      co_return std::error_code();
    }
    if (ctx.done() && to->over()) {  // it can be used by another query
      to.keep();
      co_return ctx.err();
    }
  }
  co_return co_await reconnected(ctx, to, why);
}

task<std::error_code> postgres::reconnected(const context& ctx, lease<postgres_connection>& to,
                                            std::string& why) {
  to.close();
  std::unique_ptr<postgres_connection> opened;
  const auto ec = co_await postgres_connection::open(ctx, how_, large_rows_, opened, why);
  if (!ec) {
    to.open_with(std::move(opened));
  }
  co_return ec;
}

// If the connection dies at once, the report is sent again: the connection had died while it was
// idle, unnoticed, or the server is being restarted. A report that has run for longer is not sent
// again, because somebody may have ended it on purpose, and running it twice is expensive. A report
// that may write is sent again only if the server has not read it.
task<std::error_code> postgres::start(const context& ctx, const report& what, const arguments& with,
                                      std::unique_ptr<waiting_query>& begun, std::string& why) {
  constexpr unsigned most_times = 3;
  constexpr auto at_once = 500ms;
  lease<postgres_connection> on;
  auto ec = co_await connected(ctx, how_.acquire_timeout, on, why);
  for (unsigned times = 1; !ec; ++times) {
    auto fresh = std::make_unique<statement>(*this, std::move(on));
    const auto sent = clock::now();
    ec = co_await fresh->begin(ctx, what, with, why);
    if (!ec) {
      begun = std::move(fresh);
      break;
    }
    const bool again = fresh->unheard() || (how_.read_only && clock::now() - sent <= at_once);
    if (!again || ec == errc::too_large || ctx.done() || times == most_times) {
      break;
    }
    on = fresh->lost();
    if (!on) {
      break;
    }
    ec = co_await reconnected(ctx, on, why);
  }
  co_return ec;
}

std::error_code postgres::start(const context& ctx, const report& what, const arguments& with,
                                std::unique_ptr<running>& begun, std::string& why) {
  std::unique_ptr<waiting_query> one;
  const auto ec = run_blocking(start(ctx, what, with, one, why));
  if (!ec) {
    begun = std::make_unique<blocking_statement>(std::move(one));
  }
  return ec;
}

task<std::error_code> postgres::reach(const context& ctx, std::string& why) {
  lease<postgres_connection> on;
  if (const auto ec = co_await connected(ctx, std::chrono::milliseconds(0), on, why)) {
    co_return ec;
  }
  static const report anything{.name = "", .sql = "SELECT 1"};
  static const arguments no_arguments;
  statement s(*this, std::move(on));
  nowhere none;
  auto ec = co_await s.begin(ctx, anything, no_arguments, why);
  if (!ec) {
    ec = co_await s.rows(ctx, none, why);
  }
  co_return ec;
}

std::error_code postgres::reachable(const context& ctx, std::string& why) {
  return run_blocking(reach(ctx, why));
}

void postgres::told(const settled& s) {
  if (s.idle) {
    const std::lock_guard hold(mutex_);
    idle_.add(*s.idle - s.stopped);
  }
  if (tell_) {
    tell_(s);
  }
}

database_stats postgres::now() const {
  auto stats = connections_.now();
  stats.cancels = cancelled_.cancels_sent();
  const std::lock_guard hold(mutex_);
  stats.idle = idle_;
  return stats;
}

}  // namespace hangup::query
