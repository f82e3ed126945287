// How fast an engine stops, what it costs that it can be stopped, and what it saves. Called by
// scripts/bench-engines, in the project's folder; prints one JSON object.
//
//   engines_bench [--quick]
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string_view>

#include "bench/engines/engine.h"
#include "tests/support/postgres_server.h"

namespace {

using bench::json;

struct amounts {
  int samples = 200;
  int rounds = 21;
  int clients = 40;
};

void measure(const bench::engine& e, const std::vector<bench::endless>& stops,
             const std::vector<std::pair<const char*, std::int64_t>>& costs, const amounts& how,
             json& to) {
  for (const auto& what : stops) {
    std::fprintf(stderr, "%s: stops %s\n", e.name.c_str(), what.report);
    to["stop"].push_back(bench::measure_stop(e, what, how.samples));
  }
  for (const auto& [report, argument] : costs) {
    std::fprintf(stderr, "%s: runs %s to its end\n", e.name.c_str(), report);
    to["cost"].push_back(bench::measure_cost(e, report, argument, how.rounds));
  }
  std::fprintf(stderr, "%s: half of %d clients leave\n", e.name.c_str(), how.clients);
  to["waste"].push_back(bench::measure_waste(e, how.clients));
}

}  // namespace

int main(int count, char** texts) {
  std::signal(SIGPIPE, SIG_IGN);
  amounts how;
  if (count == 2 && std::string_view(texts[1]) == "--quick") {
    how = {.samples = 3, .rounds = 1, .clients = 4};
  } else if (count != 1) {
    std::cerr << "usage: engines_bench [--quick]\n";
    return 2;
  }
  try {
    json all = {{"stop", json::array()}, {"cost", json::array()}, {"waste", json::array()}};
    measure(bench::sqlite_engine(),
            {{"crunch", "&n=1000000000000"}, {"cross", ""}, {"sort", ""}, {"orders", "", true}},
            {{"crunch", 1'000'000}, {"scan", 0}, {"orders", 200'000}}, how, all);
    if (hangup::test::postgres_server::is_installed()) {
      const hangup::test::postgres_server server;
      // Without its compiler: docs/databases.md says why.
      measure(bench::postgres_engine(server.conninfo() + " options='-c jit=off'"),
              {{"nap", ""}, {"crunch", "&n=1000000000000"}, {"cross", ""}, {"numbers", "", true}},
              {{"crunch", 300'000}, {"numbers", 200'000}}, how, all);
    } else {
      std::fprintf(stderr, "no PostgreSQL here: without it (postgresql)\n");
    }
    std::cout << all.dump(1) << "\n";
  } catch (const std::exception& e) {
    std::cerr << "engines_bench: " << e.what() << "\n";
    return 1;
  }
}
