// An engine behind hangup's own server, in this process, so that a client's close and the engine's
// end are read from one clock.
#pragma once

#include <condition_variable>
#include <mutex>

#include "bench/engines/engine.h"
#include "handlers/query/routes.h"
#include "hangup/http/server.h"
#include "hangup/worker/loop.h"
#include "hangup/worker/pool.h"

namespace bench {

// When things happened to a request, in ns of CLOCK_MONOTONIC (std::chrono::steady_clock's); 0:
// not.
struct life {
  std::int64_t context_ended = 0;
  std::int64_t work_stopped = 0;
  std::int64_t ended = 0;
};

inline std::int64_t ns(std::chrono::steady_clock::time_point at) {
  return std::chrono::nanoseconds(at.time_since_epoch()).count();
}

// GET /query?report=...
class served final : public hangup::http::observer {
 public:
  served(const engine& e, std::unique_ptr<hangup::query::database> db, unsigned workers)
      : from_(e.name, e.how.kind, std::move(db), e.how.reports),
        pool_({.name = "query", .workers = workers, .queue = 1000}) {
    auto report = hangup::query::run_report(from_, [this](const std::string& line) {
      const std::lock_guard hold(mutex_);
      failed_ = line;
    });
    const bool waits = report.is_task();
    server_.handle({.method = "GET",
                    .path = "/query",
                    .runs_on = waits ? nullptr : &pool_,
                    .on_loop = waits ? &tasks_ : nullptr,
                    .answer = std::move(report)});
    server_.observe(*this);
    if (const auto ec = server_.start("127.0.0.1", 0)) {
      throw std::runtime_error(ec.message());
    }
  }

  int port() const { return server_.port(); }
  hangup::query::database& engine_itself() const { return from_.engine(); }

  life await_end_of(const std::string& id) {
    std::unique_lock hold(mutex_);
    if (!changed_.wait_for(hold, std::chrono::minutes(5),
                           [&] { return lives_.contains(id) || !failed_.empty(); }) ||
        !failed_.empty()) {
      throw std::runtime_error(failed_.empty() ? id + " did not end" : failed_);
    }
    return lives_.at(id);
  }

  void ended(const hangup::http::request_report& r) noexcept override {
    const auto at = [](const auto& when) { return when ? ns(*when) : 0; };
    const std::lock_guard hold(mutex_);
    lives_[std::string(r.id)] = {at(r.context_ended), at(r.work_stopped), ns(r.ended)};
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, life> lives_;
  std::string failed_;
  hangup::query::named_database from_;
  // The engine's report is a task if the engine only waits, and runs on the pool otherwise.
  hangup::pool pool_;
  hangup::loop tasks_{{.name = "tasks"}};
  hangup::http::server server_;
};

}  // namespace bench
