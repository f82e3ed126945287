// One schedule of operations, made from a seed: what both kinds of model check share.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "hangup/context/cause.h"

namespace hangup::model {

inline void add_words(std::string& to, std::string_view part) {
  to.append(part);
}
inline void add_words(std::string& to, bool part) {
  to.append(part ? "yes" : "no");
}
inline void add_words(std::string& to, int part) {
  to.append(std::to_string(part));
}
inline void add_words(std::string& to, const char* part) {
  to.append(part);
}
inline void add_words(std::string& to, const cause& part) {
  to.append(part.kind.name()).append(" '").append(part.text).append("' ");
  to.append(part.code.message()).append(" from ").append(describe(part.source));
}
template <class... Parts>
std::string words(const Parts&... parts) {
  std::string said;
  (add_words(said, parts), ...);
  return said;
}

class schedule {
 public:
  schedule(std::string_view kind, unsigned seed);
  ~schedule();
  schedule(const schedule&) = delete;
  schedule& operator=(const schedule&) = delete;

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool one_in(int n) { return below(n) == 0; }
  template <class T>
  const T& any(const std::vector<T>& of) {
    return of[static_cast<std::size_t>(below(static_cast<int>(of.size())))];
  }

  // What the schedule does, in its order. By one thread.
  template <class... Parts>
  void log(const Parts&... parts) {
    write_down(words("  ", parts..., "\n"));
  }

  // What must hold. The first that does not is kept. By any thread.
  template <class... Parts>
  bool check(bool holds, const Parts&... parts) {
    if (!holds) {
      fail(words(parts...));
    }
    return holds;
  }
  bool failed() const { return failed_.load(std::memory_order_relaxed); }

  // What went wrong, how to run it again, and what was done.
  std::string report() const;

  // Prints the latter two when the process dies or hangs in a schedule.
  static void report_crashes();

 private:
  static void write_down(std::string_view line);
  void fail(std::string what);

  std::mt19937 random_;
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::string failure_;  // guarded by mutex_
};

// One schedule of each kind. Empty: all was as the model says; else the report.
std::string run_sequential(unsigned seed);
std::string run_concurrent(unsigned seed);

}  // namespace hangup::model
