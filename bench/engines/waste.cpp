#include <sys/socket.h>

#include <algorithm>
#include <semaphore>
#include <thread>

#include "bench/engines/served.h"
#include "bench/http/wire.h"
#include "hangup/http/request.h"

namespace bench {
namespace {

using hangup::context;
using hangup::query::running;

constexpr int connections = 2;
constexpr double query_s = 0.5;

// From when to when the engine worked for whom.
class hours {
 public:
  void note(const std::string& id, std::int64_t from, std::int64_t to) {
    const std::lock_guard hold(mutex_);
    auto& all = all_[id];
    all.first = all.first == 0 ? from : all.first;
    all.second = to;
  }
  // Of these, in seconds, what lay behind a moment.
  double behind(const std::string& id, std::int64_t moment) const {
    const std::lock_guard hold(mutex_);
    const auto it = all_.find(id);
    return it == all_.end() ? 0
                            : static_cast<double>(std::max<std::int64_t>(
                                  0, it->second.second - std::max(it->second.first, moment))) /
                                  1e9;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> all_;
};

// A database as it is, or as it would be for a program whose requests have no context: then a query
// that has come is run, and to its end.
class observed final : public hangup::query::database {
 public:
  observed(std::unique_ptr<database> inner, hours& to, bool cancels)
      : inner_(std::move(inner)), to_(to), cancels_(cancels) {}

  std::error_code start(const context& ctx, const hangup::query::report& what,
                        const hangup::query::arguments& with, std::unique_ptr<running>& begun,
                        std::string& why) override {
    const auto id = hangup::http::request_id(ctx);
    const auto seen = cancels_ ? ctx : hangup::without_cancel(ctx);
    turn_.acquire();
    const auto from = now_ns();
    std::unique_ptr<running> q;
    const auto ec = inner_->start(seen, what, with, q, why);
    to_.note(id, from, now_ns());
    if (ec) {
      turn_.release();
    } else {
      begun = std::make_unique<one>(*this, std::move(q), id);
    }
    return ec;
  }
  std::error_code reachable(const context& ctx, std::string& why) override {
    return inner_->reachable(ctx, why);
  }
  hangup::query::database_stats now() const override { return inner_->now(); }

 private:
  class one final : public running {
   public:
    one(observed& of, std::unique_ptr<running> inner, std::string id)
        : of_(of), inner_(std::move(inner)), id_(std::move(id)) {}
    ~one() override {
      inner_.reset();
      of_.turn_.release();
    }
    std::error_code rows(const context& ctx, hangup::query::row_sink& to,
                         std::string& why) override {
      const auto from = now_ns();
      const auto ec = inner_->rows(of_.cancels_ ? ctx : hangup::without_cancel(ctx), to, why);
      of_.to_.note(id_, from, now_ns());
      return ec;
    }

   private:
    observed& of_;
    std::unique_ptr<running> inner_;
    const std::string id_;
  };

  const std::unique_ptr<database> inner_;
  hours& to_;
  const bool cancels_;
  std::counting_semaphore<> turn_{
      connections};  // never waited for where the pool has as many workers
};

// An argument with which the query takes about as long as it should.
std::int64_t steps_for(const engine& e) {
  const auto& sql = e.report("crunch").sql;
  constexpr std::int64_t some = 200'000;
  e.plain(sql, some);
  const auto from = now_ns();
  e.plain(sql, some);
  return static_cast<std::int64_t>(static_cast<double>(some) * query_s * 1e9 /
                                   static_cast<double>(now_ns() - from));
}

struct outcome {
  double wasted_s = 0;
  double last_answer_s = 0;
};

outcome run(const engine& e, std::int64_t steps, int clients, bool cancels) {
  hours worked;
  std::uint64_t settling = 0;
  outcome o;
  std::vector<std::int64_t> left(static_cast<std::size_t>(clients), 0);
  std::vector<std::int64_t> answered(static_cast<std::size_t>(clients), 0);
  const auto id = [](std::size_t i) { return "waste-" + std::to_string(i); };
  {
    served server(e, std::make_unique<observed>(e.open(connections), worked, cancels),
                  cancels ? connections : static_cast<unsigned>(clients));
    const auto path = "/query?report=crunch&n=" + std::to_string(steps);
    std::vector<int> fds;
    for (std::size_t i = 0; i < left.size(); ++i) {
      fds.push_back(connect_to(server.port()));
    }
    const auto begin = now_ns();
    std::vector<std::thread> all;
    for (std::size_t i = 0; i < left.size(); ++i) {
      all.emplace_back([&, i, fd = fds[i]] {
        send_all(fd, request(path, id(i)));
        if (i % 2 == 1) {
          sleep_until(begin + 100'000'000 + static_cast<std::int64_t>(i) * 200'000'000 / clients);
          left[i] = now_ns();
        } else {
          std::array<char, 4096> some;
          while (::recv(fd, some.data(), some.size(), 0) > 0) {
          }
          answered[i] = now_ns();
        }
        hang_up(fd, leaving::fin);
      });
    }
    for (auto& t : all) {
      t.join();
    }
    for (std::size_t i = 0; i < left.size(); ++i) {
      server.await_end_of(id(i));
    }
    o.last_answer_s =
        static_cast<double>(*std::max_element(answered.begin(), answered.end()) - begin) / 1e9;
    settling = server.engine_itself().now().idle.ns;
  }
  for (std::size_t i = 1; i < left.size(); i += 2) {
    o.wasted_s += worked.behind(id(i), left[i]);
  }
  o.wasted_s += static_cast<double>(settling) / 1e9;  // what goes on behind the return of a query
  return o;
}

}  // namespace

json measure_waste(const engine& e, int clients) {
  const auto steps = steps_for(e);
  const auto with = run(e, steps, clients, true);
  const auto without = run(e, steps, clients, false);
  return {{"engine", e.name},
          {"clients", clients},
          {"leave", clients / 2},
          {"wasted_s", with.wasted_s},
          {"wasted_without_s", without.wasted_s},
          {"last_answer_s", with.last_answer_s},
          {"last_answer_without_s", without.last_answer_s}};
}

}  // namespace bench
