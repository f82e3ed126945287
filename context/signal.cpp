#include "hangup/context/signal.h"

#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <mutex>
#include <string>
#include <system_error>
#include <vector>

#include "context/background_thread.h"
#include "context/immortal.h"

namespace hangup {
namespace tree {
namespace {

constexpr int most_signals = 65;  // signals are 1 ... 64

// What the signal handler tells the thread that ends contexts: which signals have arrived, and that
// it should look. A handler may do hardly anything else (signal-safety(7)).
std::array<std::atomic<bool>, most_signals> arrived{};
std::atomic<int> bell{-1};     // an eventfd
std::atomic<pid_t> process{};  // the process that the contexts belong to

void on_signal(int signal) {
  const int before = errno;
  if (::getpid() == process.load(std::memory_order_relaxed)) {
    arrived[static_cast<std::size_t>(signal)].store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(bell.load(std::memory_order_relaxed), &one, sizeof one);
  } else {  // in a child made by fork(), which has no thread that ends contexts
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
  errno = before;
}

struct signal_scope final : scope {
  signal_scope(node& above, std::initializer_list<int> wanted, const location& made)
      : scope(above, made), signals(wanted) {
    watched = true;
    kept = true;  // its end is complete only when the previous action of the signal is restored
  }
  void disarm() noexcept override;
  void print(std::string& to) const override { to.append(".with_signal"); }

  const std::vector<int> signals;
  std::uint64_t number = 0;  // in order of creation; guarded by the service's mutex
};

// Which contexts wait for which signal. Its mutex is last in the lock order: nothing is called
// while it is held.
class signals_of_the_process {
 public:
  static signals_of_the_process& get() noexcept {
    static immortal<signals_of_the_process> all;
    return all.object;
  }

  // The first call starts the thread that waits for signals. Throws std::system_error if that is
  // not possible.
  void add(signal_scope& s) {
    const std::lock_guard hold(mutex_);
    start();
    s.number = ++count_;
    for (std::size_t i = 0; i < s.signals.size(); ++i) {
      if (!add(s, s.signals[i])) {
        const int why = errno;
        for (; i > 0; --i) {
          remove(s, s.signals[i - 1]);
        }
        throw std::system_error(why, std::generic_category(), "with_signal");
      }
    }
  }

  void remove(const signal_scope& s) noexcept {
    const std::lock_guard hold(mutex_);
    for (const int signal : s.signals) {
      remove(s, signal);
    }
  }

 private:
  struct one_signal {
    std::vector<signal_scope*> waiting;
    struct sigaction before {};
  };

  // With the lock held, as for most functions that follow.
  void start() {
    if (started_) {
      return;
    }
    const int fd = ::eventfd(0, EFD_CLOEXEC);
    if (fd < 0) {
      throw std::system_error(errno, std::generic_category(), "with_signal: eventfd");
    }
    const auto failed = start_background_thread("hangup-signal", all_signals(), [this, fd] {
      only_serves = true;
      run(fd);
    });
    if (failed) {
      ::close(fd);
      throw std::system_error(failed, "with_signal: thread");
    }
    // Before the first handler that writes to it is installed.
    bell.store(fd, std::memory_order_relaxed);
    process.store(::getpid(), std::memory_order_relaxed);
    started_ = true;
  }

  static bool exists(int signal) noexcept { return signal >= 1 && signal < most_signals; }

  bool add(signal_scope& s, int signal) {
    if (!exists(signal)) {
      errno = EINVAL;
      return false;
    }
    auto& one = all_[static_cast<std::size_t>(signal)];
    one.waiting.push_back(&s);
    if (one.waiting.size() == 1) {
      // An earlier signal does not count for this context.
      arrived[static_cast<std::size_t>(signal)].store(false);
      struct sigaction ours {};
      ours.sa_handler = on_signal;
      ours.sa_flags = SA_RESTART;
      ::sigfillset(&ours.sa_mask);
      if (::sigaction(signal, &ours, &one.before) != 0) {
        one.waiting.clear();
        return false;
      }
    }
    return true;
  }

  void remove(const signal_scope& s, int signal) noexcept {
    if (!exists(signal)) {
      return;
    }
    auto& one = all_[static_cast<std::size_t>(signal)];
    for (auto it = one.waiting.begin(); it != one.waiting.end(); ++it) {
      if (*it == &s) {
        one.waiting.erase(it);
        if (one.waiting.empty()) {
          ::sigaction(signal, &one.before, nullptr);
        }
        return;
      }
    }
  }

  void run(int fd) {
    for (;;) {
      std::uint64_t rings = 0;
      [[maybe_unused]] const auto n = ::read(fd, &rings, sizeof rings);
      for (std::size_t signal = 1; signal < most_signals; ++signal) {
        if (arrived[signal].exchange(false, std::memory_order_acquire)) {
          end_all(static_cast<int>(signal));
        }
      }
    }
  }

  // Without the lock. Ends the contexts that wait now, and none that is made meanwhile. Allocates
  // nothing.
  void end_all(int signal) noexcept {
    const char* const abbreviation = ::sigabbrev_np(signal);
    const std::string name =  // short enough to need no allocation
        "SIG" + (abbreviation != nullptr ? std::string(abbreviation) : std::to_string(signal));
    std::uint64_t last = 0;
    {
      const std::lock_guard hold(mutex_);
      last = count_;
    }
    while (auto* const s = next_alive(signal, last)) {
      end(*s, state_word::canceled, {.kind = cause_kind::signal, .text = name});
      s->unref();
    }
  }

  // Returns a scope that waits for the signal and has not ended, with a reference to it.
  signal_scope* next_alive(int signal, std::uint64_t last) noexcept {
    const std::lock_guard hold(mutex_);
    for (auto* const s : all_[static_cast<std::size_t>(signal)].waiting) {
      if (s->number <= last && s->word.how_ended() == 0 && s->try_ref()) {
        return s;
      }
    }
    return nullptr;
  }

  std::mutex mutex_;
  bool started_ = false;
  std::uint64_t count_ = 0;
  std::array<one_signal, most_signals> all_;
};

void signal_scope::disarm() noexcept {
  signals_of_the_process::get().remove(*this);
}

}  // namespace
}  // namespace tree

cancelable with_signal(const context& parent, std::initializer_list<int> signals, location made) {
  auto* const fresh = new tree::signal_scope(context_access::node(parent), signals, made);
  auto both = context_access::adopt_scope(fresh);
  tree::attach(*fresh);
  tree::signals_of_the_process::get().add(*fresh);
  if (fresh->word.how_ended() != 0) {  // the parent ended in between and disarmed too early
    fresh->disarm();
  }
  return both;
}

}  // namespace hangup
