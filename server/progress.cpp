#include "server/progress.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <chrono>
#include <string_view>

#include "server/streams.h"

namespace hangup::server {

namespace {

void write(std::string_view text) {
  static_cast<void>(
      write_text(background(), STDERR_FILENO, text, std::chrono::milliseconds::zero()));
}

}  // namespace

progress::~progress() {
  if (in_a_line_) {
    write("\n");
  }
}

void progress::show(unsigned percent) {
  constexpr unsigned width = 40;
  if (::isatty(STDERR_FILENO) != 0) {
    const auto done = percent * width / 100;
    in_a_line_ = percent != 100;
    write(fmt::format("\rmaking {} [{:#<{}}{:.<{}}] {:3} %{}", what_, "", done, "", width - done,
                      percent, in_a_line_ ? "" : "\n"));
  } else if (percent % 25 == 0) {
    write(fmt::format("making {}: {} %\n", what_, percent));
  }
}

}  // namespace hangup::server
