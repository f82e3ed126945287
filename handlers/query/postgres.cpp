#include "handlers/query/postgres.h"

#include <utility>
#include <vector>

#include "hangup/http/request.h"

namespace hangup::query {

using clock = context::clock;

namespace {

using namespace std::chrono_literals;

// Discards rows.
class nowhere final : public row_sink {
 public:
  std::error_code columns(const context&, std::span<const std::string>) override { return {}; }
  std::error_code row(const context&, std::span<const field>) override { return {}; }
  std::error_code idle(const context&) override { return {}; }
};

}  // namespace

// A statement that has begun, and its connection.
class postgres::statement final : public running {
 public:
  statement(postgres& of, lease<postgres_connection> on) : of_(of), on_(std::move(on)) {}
  ~statement() override { leave(clock::now()); }

  // Waits for the first result.
  std::error_code begin(const context& ctx, const report& what, const arguments& with,
                        std::string& why) {
    const auto ec = on_->begin(ctx, what, with, why);
    return seen(ctx, ec ? ec : on_->next(ctx, nullptr, first_, why));
  }

  // Whether the server has not read the statement.
  bool unheard() const noexcept { return on_ && on_->unheard(); }

  // Returns the connection, which has died, with its place.
  lease<postgres_connection> lost() {
    first_.reset();
    return on_ && on_->lost() ? std::move(on_) : lease<postgres_connection>();
  }

  std::error_code rows(const context& ctx, row_sink& to, std::string& why) override {
    return seen(ctx, hand_over(ctx, to, why));
  }

 private:
  std::error_code hand_over(const context& ctx, row_sink& to, std::string& why) {
    auto result = std::move(first_);
    std::vector<std::string> names;
    names.reserve(static_cast<std::size_t>(::PQnfields(result.get())));
    for (int i = 0; i < ::PQnfields(result.get()); ++i) {
      names.emplace_back(::PQfname(result.get(), i));
    }
    if (const auto ec = to.columns(ctx, names)) {
      return ec;
    }
    std::vector<field> fields(names.size());
    while (result) {
      if (::PQntuples(result.get()) == 1) {
        for (std::size_t i = 0; i < fields.size(); ++i) {
          fields[i] = field_of(*result, static_cast<int>(i));
        }
        if (const auto ec = to.row(ctx, fields)) {
          return ec;
        }
      }
      if (const auto ec = on_->next(ctx, &to, result, why)) {
        return ec;
      }
    }
    return {};
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
  // otherwise has it settled.
  void leave(clock::time_point stopped) noexcept {
    first_.reset();
    if (!on_) {
      return;
    }
    if (!on_->lost() && !on_->over()) {
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

postgres::postgres(postgres_options how, std::function<void(const settled&)> tell)
    : how_(std::move(how)),
      tell_(std::move(tell)),
      connections_(how_.connections, how_.spare_connections),
      cancelled_(how_.connections + how_.spare_connections, how_.settle_timeout,
                 [this](const settled& s) { told(s); }) {}

std::error_code postgres::connected(const context& ctx, std::chrono::milliseconds patience,
                                    lease<postgres_connection>& to, std::string& why) {
  if (const auto ec = connections_.take(ctx, patience, to)) {
    why = "no connection came free within " + std::to_string(patience.count()) + " ms";
    return ec;
  }
  if (to) {
    const auto [soon, cancel] = with_timeout(ctx, how_.connect_timeout);
    if (!to->ready(soon, why)) {
      return {};
    }
    if (ctx.done() && to->over()) {  // it can be used by another query
      to.keep();
      return ctx.err();
    }
  }
  return reconnected(ctx, to, why);
}

std::error_code postgres::reconnected(const context& ctx, lease<postgres_connection>& to,
                                      std::string& why) {
  to.close();
  std::unique_ptr<postgres_connection> opened;
  const auto ec = postgres_connection::open(ctx, how_, opened, why);
  if (!ec) {
    to.open_with(std::move(opened));
  }
  return ec;
}

// If the connection dies at once, the report is sent again: the connection had died while it was
// idle, unnoticed, or the server is being restarted. A report that has run for longer is not sent
// again, because somebody may have ended it on purpose, and running it twice is expensive. A report
// that may write is sent again only if the server has not read it.
std::error_code postgres::start(const context& ctx, const report& what, const arguments& with,
                                std::unique_ptr<running>& begun, std::string& why) {
  constexpr unsigned most_times = 3;
  constexpr auto at_once = 500ms;
  lease<postgres_connection> on;
  auto ec = connected(ctx, how_.acquire_timeout, on, why);
  for (unsigned times = 1; !ec; ++times) {
    auto fresh = std::make_unique<statement>(*this, std::move(on));
    const auto sent = clock::now();
    ec = fresh->begin(ctx, what, with, why);
    if (!ec) {
      begun = std::move(fresh);
      return {};
    }
    const bool again = fresh->unheard() || (how_.read_only && clock::now() - sent <= at_once);
    if (!again || ctx.done() || times == most_times) {
      break;
    }
    on = fresh->lost();
    if (!on) {
      break;
    }
    ec = reconnected(ctx, on, why);
  }
  return ec;
}

std::error_code postgres::reachable(const context& ctx, std::string& why) {
  lease<postgres_connection> on;
  if (const auto ec = connected(ctx, std::chrono::milliseconds(0), on, why)) {
    return ec;
  }
  static const report anything{.name = "", .sql = "SELECT 1"};
  statement s(*this, std::move(on));
  nowhere none;
  const auto ec = s.begin(ctx, anything, {}, why);
  return ec ? ec : s.rows(ctx, none, why);
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
