#include "handlers/query/spin.h"

#include <ctime>

#include <algorithm>
#include <array>
#include <cstdio>

#include "handlers/parameters.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace hangup::handlers {
namespace {

constexpr std::uint64_t most_ms = 600'000;

std::int64_t cpu_ns() noexcept {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

// A few dozen microseconds of work on a current machine.
std::uint64_t compute(std::uint64_t x) noexcept {
  for (int i = 0; i < 10'000; ++i) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  return x;
}

}  // namespace

http::handler spin(spin_options how) {
  return [how](const context& ctx, const http::request& req, http::reply& res) {
    parameters p(req);
    const bool looks = p.flag("look", true);
    const auto most = looks ? most_ms : static_cast<std::uint64_t>(how.max_deaf.count());
    const auto ms = p.number("ms", std::min<std::uint64_t>(100, most), 0, most);
    auto problem = p.problem();
    if (problem.empty() && !looks && !how.allow_deaf) {
      problem = "parameter \"look\": found \"0\", allowed 1: nothing could stop it";
    }
    if (!problem.empty()) {
      res.problem(400, problem);
      return;
    }
    http::work_expected(ctx, std::chrono::milliseconds(ms));  // at least
    const auto start = cpu_ns();
    const auto target = static_cast<std::int64_t>(ms) * 1'000'000;
    std::uint64_t x = 88172645463325252U;
    std::int64_t used = 0;
    while (used < target) {
      if (looks && ctx.done()) {
        http::work_stopped(ctx);
        return;
      }
      x = compute(x);
      used = cpu_ns() - start;
    }
    std::array<char, 96> body{};
    std::snprintf(body.data(), body.size(), "{\"cpu_ms\":%.3f,\"result\":\"%016llx\"}\n",
                  static_cast<double>(used) / 1e6, static_cast<unsigned long long>(x));
    res.set("Cache-Control", "no-store");
    res.body("application/json", body.data());
  };
}

}  // namespace hangup::handlers
