#include <algorithm>
#include <ctime>
#include <stdexcept>

#include "bench/engines/engine.h"
#include "bench/http/wire.h"

namespace bench {
namespace {

using hangup::context;

// Reads rows as one that writes them does, and keeps nothing.
class reader final : public hangup::query::row_sink {
 public:
  std::error_code columns(const context&, std::span<const std::string>) override { return {}; }
  std::error_code row(const context&, std::span<const hangup::query::field>) override {
    ++rows;
    return {};
  }
  std::error_code idle(const context&) override { return {}; }

  std::size_t rows = 0;
};

std::size_t run(const context& ctx, hangup::query::database& db,
                const hangup::query::report& report, const hangup::query::arguments& with) {
  std::unique_ptr<hangup::query::running> q;
  std::string why;
  reader to;
  auto ec = db.start(ctx, report, with, q, why);
  if (!ec) {
    ec = q->rows(ctx, to, why);
  }
  if (ec) {
    throw std::runtime_error(ec.message() + ": " + why);
  }
  return to.rows;
}

std::int64_t time_now(const engine& e) {
  if (e.remote) {
    return now_ns();
  }
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

json measure_cost(const engine& e, const std::string& report, std::int64_t argument, int rounds) {
  const auto db = e.open(1);
  const auto& what = e.report(report);
  const hangup::query::arguments with =
      what.parameters.empty() ? hangup::query::arguments{} : hangup::query::arguments{argument};
  const auto [ctx, cancel] = hangup::with_cancel(hangup::background());
  std::vector<double> plain;
  std::vector<double> stoppable;
  std::vector<double> ratios;
  std::size_t rows = 0;
  for (int i = -1; i < rounds; ++i) {  // the first is for the caches
    std::array<double, 2> ms{};
    for (const int turn : {0, 1}) {
      const bool ours = (turn + i) % 2 == 0;
      const auto begin = time_now(e);
      const auto got = ours ? run(ctx, *db, what, with) : e.plain(what.sql, argument);
      ms[ours ? 1 : 0] = static_cast<double>(time_now(e) - begin) / 1e6;
      if (rows != 0 && got != rows) {
        throw std::runtime_error(report + ": not as many rows as before");
      }
      rows = got;
    }
    if (i >= 0) {
      plain.push_back(ms[0]);
      stoppable.push_back(ms[1]);
      ratios.push_back(ms[1] / ms[0]);
    }
  }
  return {{"engine", e.name},
          {"report", report},
          {"rows", rows},
          {"rounds", rounds},
          {"plain_ms", summary(plain)["p50"]},
          {"stoppable_ms", summary(stoppable)["p50"]},
          {"ratio", summary(ratios)["p50"]},
          {"ratio_of_minima", *std::min_element(stoppable.begin(), stoppable.end()) /
                                  *std::min_element(plain.begin(), plain.end())}};
}

}  // namespace bench
