#include "tests/unit/context/model_schedule.h"

#include <unistd.h>

#include <csignal>
#include <utility>

#include "tests/unit/context/support.h"

#if defined(HANGUP_TSAN) || defined(HANGUP_ASAN)
#include <sanitizer/common_interface_defs.h>
#endif

#ifdef HANGUP_TSAN
// A race ends the program in the schedule that has it, so that its seed is known.
extern "C" const char* __tsan_default_options();  // NOLINT(bugprone-reserved-identifier)
extern "C" const char* __tsan_default_options() {
  return "halt_on_error=1";
}
#endif

namespace hangup::model {
namespace {

constexpr unsigned too_long = 120;  // seconds: no schedule takes one

std::atomic<const schedule*> current{nullptr};

void print(std::string_view line) noexcept {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

schedule::schedule(std::string_view kind, unsigned seed) : kind_(kind), seed_(seed), random_(seed) {
  current.store(this, std::memory_order_relaxed);
  ::alarm(too_long);
}

schedule::~schedule() {
  ::alarm(0);
  current.store(nullptr, std::memory_order_relaxed);
}

void schedule::fail(std::string what) {
  const std::lock_guard hold(mutex_);
  if (!failed_.exchange(true, std::memory_order_relaxed)) {
    failure_ = std::move(what);
  }
}

std::string schedule::replay() const {
  return words("replay: model_tests --seed=", std::to_string(seed_), " --kind=", kind_, "\n");
}

std::string schedule::report() const {
  auto text = words(failure_, "\n", replay());
  for (const auto& line : done_) {
    text.append("  ").append(line).append("\n");
  }
  return text;
}

// Not for signals by the letter; but the process is lost, and what it can still say is worth a try.
void schedule::print_current() noexcept {
  if (const auto* const s = current.exchange(nullptr, std::memory_order_relaxed)) {
    print("the process died or hung in this schedule\n");
    print(s->replay());
    for (const auto& line : s->done_) {
      print("  ");
      print(line);
      print("\n");
    }
  }
}

void schedule::report_crashes() {
  const auto die = [](int signal) {
    print_current();
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  };
  for (const int signal : {SIGALRM, SIGABRT, SIGFPE, SIGILL, SIGBUS}) {
    std::signal(signal, die);
  }
#if defined(HANGUP_TSAN) || defined(HANGUP_ASAN)
  __sanitizer_set_death_callback([] { print_current(); });
#else
  std::signal(SIGSEGV, die);
#endif
}

}  // namespace hangup::model
