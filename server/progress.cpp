#include "server/progress.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <chrono>

#include "server/streams.h"

namespace hangup::server {

void show_progress(const std::string& what, unsigned percent) {
  constexpr unsigned width = 40;
  std::string shown;
  if (::isatty(STDERR_FILENO) != 0) {
    const auto done = percent * width / 100;
    shown = fmt::format("\rmaking {} [{:#<{}}{:.<{}}] {:3} %{}", what, "", done, "", width - done,
                        percent, percent == 100 ? "\n" : "");
  } else if (percent % 25 == 0) {
    shown = fmt::format("making {}: {} %\n", what, percent);
  }
  using std::chrono::milliseconds;
  static_cast<void>(write_text(background(), STDERR_FILENO, shown, milliseconds::zero()));
}

}  // namespace hangup::server
