#include "server/progress.h"

#include <spdlog/fmt/fmt.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <string_view>

#include "server/streams.h"

namespace hangup::server {

namespace {

constexpr unsigned bar_width = 40;

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

// A line that is wider than the terminal could not be written over.
void progress::begin() {
  has_begun_ = true;
  winsize size{};
  const bool is_known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  const std::size_t columns = is_known ? size.ws_col : 80;
  const auto line = fmt::format("making {} ", what_);
  constexpr std::size_t percent = 6;  // "100 %", and the place of the cursor
  constexpr std::size_t bar = bar_width + 3;
  has_bar_ = line.size() + bar + percent <= columns;
  if (line.size() + percent <= columns) {
    line_ = line;
  } else {
    write(line + "\n");
  }
}

void progress::show(unsigned percent) {
  if (::isatty(STDERR_FILENO) != 0) {
    if (!has_begun_) {
      begin();
    }
    const auto done = percent * bar_width / 100;
    in_a_line_ = percent != 100;
    const auto bar =
        has_bar_ ? fmt::format("[{:#<{}}{:.<{}}] ", "", done, "", bar_width - done) : std::string();
    write(fmt::format("\r{}{}{:3} %{}", line_, bar, percent, in_a_line_ ? "" : "\n"));
  } else if (percent % 25 == 0) {
    write(fmt::format("making {}: {} %\n", what_, percent));
  }
}

}  // namespace hangup::server
