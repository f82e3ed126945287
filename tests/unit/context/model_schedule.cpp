#include "tests/unit/context/model_schedule.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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
// What runs in the middle of a sanitizer's report must not need the sanitizer.
#define HANGUP_NOT_INSTRUMENTED __attribute__((disable_sanitizer_instrumentation))
#else
#define HANGUP_NOT_INSTRUMENTED
#endif

namespace hangup::model {
namespace {

constexpr unsigned too_long = 120;  // seconds: no schedule takes one

// How to replay the schedule that runs, and what it does. In one place and ready for write(2).
std::array<char, 1U << 20U> notes;
std::size_t noted = 0;

HANGUP_NOT_INSTRUMENTED void print_notes() noexcept {
  static constexpr char died[] = "the process died or hung in this schedule\n";
  if (noted != 0) {
    ::syscall(SYS_write, STDERR_FILENO, died, sizeof died - 1);
    ::syscall(SYS_write, STDERR_FILENO, &notes, noted);
    noted = 0;
  }
}

}  // namespace

schedule::schedule(std::string_view kind, unsigned seed) : random_(seed) {
  write_down(words("replay: model_tests --seed=", std::to_string(seed), " --kind=", kind, "\n"));
  ::alarm(too_long);
}

schedule::~schedule() {
  ::alarm(0);
  noted = 0;
}

void schedule::write_down(std::string_view line) {
  const auto room = std::min(line.size(), notes.size() - noted);
  std::copy_n(line.begin(), room, notes.begin() + static_cast<std::ptrdiff_t>(noted));
  noted += room;
}

void schedule::fail(std::string what) {
  const std::lock_guard hold(mutex_);
  if (!failed_.exchange(true, std::memory_order_relaxed)) {
    failure_ = std::move(what);
  }
}

std::string schedule::report() const {
  return words(failure_, "\n", std::string_view(notes.data(), noted));
}

void schedule::report_crashes() {
  const auto die = [](int signal) {
    print_notes();
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  };
  for (const int signal : {SIGALRM, SIGABRT, SIGFPE, SIGILL, SIGBUS}) {
    std::signal(signal, die);
  }
#if defined(HANGUP_TSAN) || defined(HANGUP_ASAN)
  __sanitizer_set_death_callback(print_notes);
#else
  std::signal(SIGSEGV, die);
#endif
}

}  // namespace hangup::model
