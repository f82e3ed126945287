// A place in the source: where a context was ended, where a task was started. For reports that have
// to name a culprit. What std::source_location is, which clang 14 does not offer with libstdc++.
#pragma once

#include <string>

namespace hangup {

struct location {
  const char* file = "";  // as the compiler was told; has static storage
  unsigned line = 0;      // 0: unknown

  // As a default argument it is the place of the call.
  static constexpr location current(const char* file = __builtin_FILE(),
                                    unsigned line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

// "worker/pool.cpp:12", or nothing if it is unknown.
std::string describe(const location& where);

}  // namespace hangup
