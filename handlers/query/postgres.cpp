#include "handlers/query/postgres.h"

#include <utility>
#include <vector>

#include "http/request.h"

namespace hangup::query {

using clock = context::clock;

// A statement that has begun, and its connection.
class postgres::statement final : public running {
 public:
  statement(postgres& of, lease<postgres_connection> on) : of_(of), on_(std::move(on)) {}
  ~statement() override { leave(clock::now()); }

  // Up to the first result.
  std::error_code begin(const context& ctx, const report& what, const arguments& with,
                        std::string& why) {
    const auto ec = on_->begin(ctx, what, with, why);
    return seen(ctx, ec ? ec : on_->next(ctx, nullptr, first_, why));
  }

  // A statement of no interest.
  std::error_code execute(const context& ctx, const char* sql, std::string& why) {
    return seen(ctx, on_->execute(ctx, sql, why));
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

  // What a step has come to. When the context has ended, the connection leaves before we return.
  std::error_code seen(const context& ctx, std::error_code ec) {
    if (ec && ctx.done()) {
      leave(ctx.cause()->at);
      http::work_stopped(ctx);
      return ctx.err();
    }
    return ec;
  }

  // Back to the pool if it is idle, to be closed if it is lost, else to the settler.
  void leave(clock::time_point stopped) noexcept {
    first_.reset();
    if (!on_) {
      return;
    }
    if (!on_->lost() && !on_->idle()) {
      of_.settler_.settle(std::move(on_), stopped);
      return;
    }
    if (on_->idle()) {
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
      settler_(how_.connections + how_.spare_connections, how_.settle_timeout, [this](const settled& s) { told(s); }) {}

std::error_code postgres::connected(const context& ctx, std::chrono::milliseconds patience,
                                    lease<postgres_connection>& to, std::string& why) {
  if (const auto ec = connections_.take(ctx, patience, to)) {
    why = "no connection came free within " + std::to_string(patience.count()) + " ms";
    return ec;
  }
  if (to && to->alive()) {
    return {};
  }
  to.close();
  std::unique_ptr<postgres_connection> opened;
  const auto ec = postgres_connection::open(ctx, how_, opened, why);
  if (!ec) {
    to.open_with(std::move(opened));
  }
  return ec;
}

std::error_code postgres::start(const context& ctx, const report& what, const arguments& with,
                                std::unique_ptr<running>& begun, std::string& why) {
  lease<postgres_connection> on;
  if (const auto ec = connected(ctx, how_.acquire_timeout, on, why)) {
    return ec;
  }
  auto fresh = std::make_unique<statement>(*this, std::move(on));
  const auto ec = fresh->begin(ctx, what, with, why);
  if (!ec) {
    begun = std::move(fresh);
  }
  return ec;
}

std::error_code postgres::reachable(const context& ctx, std::string& why) {
  lease<postgres_connection> on;
  if (const auto ec = connected(ctx, std::chrono::milliseconds(0), on, why)) {
    return ec;
  }
  return statement(*this, std::move(on)).execute(ctx, "SELECT 1", why);
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
  stats.cancels = settler_.cancels_sent();
  const std::lock_guard hold(mutex_);
  stats.idle = idle_;
  return stats;
}

}  // namespace hangup::query
