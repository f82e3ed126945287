#include "context/signal.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <string>
#include <system_error>
#include <vector>

#include "context/background_thread.h"

namespace hangup {
namespace tree {
namespace {

constexpr int most_signals = 65;  // signals are 1 ... 64

// Where the handler writes the number of a signal, and a thread of ours reads it: a handler may do
// next to nothing else (signal-safety(7)).
std::atomic<int> mailbox{-1};

void on_signal(int signal) {
  const int before = errno;
  const auto number = static_cast<unsigned char>(signal);
  // Full: 65,536 signals wait to be read, and more of the same would say nothing new.
  [[maybe_unused]] const auto n = ::write(mailbox.load(std::memory_order_relaxed), &number, 1);
  errno = before;
}

struct signal_scope final : scope {
  signal_scope(node& above, std::initializer_list<int> wanted, const location& made)
      : scope(above, made), signals(wanted) {}
  void give_back() noexcept override;
  void print(std::string& to) const override { to.append(".with_signal"); }

  const std::vector<int> signals;
};

// Who waits for which signal. Its mutex is taken last: nothing is called with it held.
class signals_of_the_process {
 public:
  static signals_of_the_process& get() {
    static auto* const all = new signals_of_the_process;  // leaked: contexts may outlive statics
    return *all;
  }

  void add(signal_scope& s) {
    const std::lock_guard hold(mutex_);
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

  signals_of_the_process() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category(), "pipe");
    }
    ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
    mailbox.store(ends[1], std::memory_order_relaxed);
    start_background_thread("hangup-signal", [this, from = ends[0]] { run(from); });
  }

  bool add(signal_scope& s, int signal) {
    if (signal < 1 || signal >= most_signals) {
      errno = EINVAL;
      return false;
    }
    auto& one = all_[static_cast<std::size_t>(signal)];
    one.waiting.push_back(&s);
    if (one.waiting.size() == 1) {
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

  void run(int from) {
    for (;;) {
      unsigned char signal = 0;
      const auto n = ::read(from, &signal, 1);
      if (n == 1) {
        end_all(signal);
      } else if (n == 0 || errno != EINTR) {
        return;
      }
    }
  }

  void end_all(int signal) {
    std::vector<signal_scope*> met;
    {
      const std::lock_guard hold(mutex_);
      met = all_[static_cast<std::size_t>(signal)].waiting;
      for (auto* const s : met) {
        s->ref();  // alive: who ends it calls remove() before letting go
      }
    }
    const char* const abbreviation = ::sigabbrev_np(signal);
    const std::string name =
        "SIG" + (abbreviation != nullptr ? std::string(abbreviation) : std::to_string(signal));
    for (auto* const s : met) {
      end(*s, state_word::canceled, {.kind = cause_kind::signal, .text = name});
      s->unref();
    }
  }

  std::mutex mutex_;
  std::array<one_signal, most_signals> all_;
};

void signal_scope::give_back() noexcept {
  signals_of_the_process::get().remove(*this);
}

}  // namespace
}  // namespace tree

cancelable with_signal(const context& parent, std::initializer_list<int> signals, location made) {
  auto* const fresh = new tree::signal_scope(context_access::node(parent), signals, made);
  auto both = context_access::adopt_scope(fresh);
  tree::attach(*fresh);
  tree::signals_of_the_process::get().add(*fresh);
  if (!tree::keep(*fresh)) {
    fresh->give_back();
  }
  return both;
}

}  // namespace hangup
