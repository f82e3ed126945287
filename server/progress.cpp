#include "server/progress.h"

#include <unistd.h>

#include <cstdio>

namespace hangup::server {

void show_progress(const std::string& what, unsigned percent) {
  constexpr unsigned width = 40;
  if (::isatty(STDERR_FILENO) != 0) {
    const auto done = percent * width / 100;
    std::fprintf(stderr, "\rmaking %s [%s%s] %3u %%%s", what.c_str(),
                 std::string(done, '#').c_str(), std::string(width - done, '.').c_str(), percent,
                 percent == 100 ? "\n" : "");
  } else if (percent % 25 == 0) {
    std::fprintf(stderr, "making %s: %u %%\n", what.c_str(), percent);
  }
}

}  // namespace hangup::server
