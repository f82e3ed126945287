// A randomized model check: schedules of operations on a tree of contexts, each made from a seed,
// against a plain model. A seed that fails prints how to replay it, and what it did.
//
//   model_tests --seed=N [--kind=sequential|concurrent] [--count=N] [--repeat=N]
//
// runs these schedules and nothing else. With several threads a seed says what each of them does,
// not who comes first: such a schedule is repeated a thousand times unless told otherwise.
#include <gtest/gtest.h>

#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "tests/unit/context/model_schedule.h"
#include "tests/unit/context/support.h"

namespace hangup::model {
namespace {

using run = std::string (*)(unsigned seed);

// Seeds from..from + count - 1, until one fails.
std::string run_seeds(run schedule, unsigned from, unsigned count, unsigned repeat) {
  for (unsigned seed = from; seed < from + count; ++seed) {
    for (unsigned n = 0; n < repeat; ++n) {
      if (auto report = schedule(seed); !report.empty()) {
        return report;
      }
    }
  }
  return "";
}

constexpr unsigned parts = 8;  // ctest runs them side by side

class model : public testing::TestWithParam<unsigned> {
 protected:
  static void agrees(run schedule, int seeds) {
    const auto from = GetParam() * 10'000;
    if (const auto report = run_seeds(schedule, from, static_cast<unsigned>(seeds), 1);
        !report.empty()) {
      ADD_FAILURE() << report;
    }
  }
};

TEST_P(model, agrees_with_one_thread_after_each_operation) {
  agrees(run_sequential, test::rounds(150));
}

TEST_P(model, allows_what_several_threads_see) {
  agrees(run_concurrent, 1000);
}

INSTANTIATE_TEST_SUITE_P(part, model, testing::Range(0U, parts));

struct options {
  std::optional<unsigned> seed{};
  unsigned count = 1;
  std::optional<unsigned> repeat{};
  std::string_view kind{};
};

std::optional<unsigned> number_after(std::string_view name, std::string_view argument) {
  unsigned value = 0;
  if (!argument.starts_with(name)) {
    return std::nullopt;
  }
  const auto* const end = argument.data() + argument.size();
  const auto read = std::from_chars(argument.data() + name.size(), end, value);
  return read.ec == std::errc{} && read.ptr == end ? std::optional(value) : std::nullopt;
}

bool read(std::string_view argument, options& to) {
  if (const auto seed = number_after("--seed=", argument)) {
    to.seed = seed;
  } else if (const auto count = number_after("--count=", argument)) {
    to.count = *count;
  } else if (const auto repeat = number_after("--repeat=", argument)) {
    to.repeat = repeat;
  } else if (argument == "--kind=sequential" || argument == "--kind=concurrent") {
    to.kind = argument.substr(std::string_view("--kind=").size());
  } else {
    return false;
  }
  return true;
}

int replay(const options& how) {
  std::string report;
  if (how.kind != "concurrent") {
    report = run_seeds(run_sequential, *how.seed, how.count, how.repeat.value_or(1));
  }
  if (how.kind != "sequential" && report.empty()) {
    report = run_seeds(run_concurrent, *how.seed, how.count,
                       how.repeat.value_or(how.count == 1 ? 1000 : 1));
  }
  std::fputs(report.empty() ? "as the model says\n" : report.c_str(), stdout);
  return report.empty() ? 0 : 1;
}

}  // namespace
}  // namespace hangup::model

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  hangup::model::schedule::report_crashes();
  hangup::model::options how;
  for (int n = 1; n < argc; ++n) {
    if (!hangup::model::read(argv[n], how)) {
      std::fprintf(stderr, "not understood: %s\n", argv[n]);
      return 2;
    }
  }
  return how.seed ? hangup::model::replay(how) : RUN_ALL_TESTS();
}
