// A place in the source code, such as where a context was ended or where a task was started, for
// use in reports. It replaces std::source_location, which clang 14 does not offer with libstdc++.
#pragma once

#include <string>

#pragma GCC visibility push(default)

namespace hangup {

struct location {
  const char* file = "";  // as given to the compiler; static storage
  unsigned line = 0;      // 0: unknown

  // Used as a default argument, it is the place of the call.
  static constexpr location current(const char* file = __builtin_FILE(),
                                    unsigned line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

// "worker/pool.cpp:12"; empty if the place is unknown.
std::string describe(const location& where);

}  // namespace hangup

#pragma GCC visibility pop
