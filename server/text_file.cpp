#include "server/text_file.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace hangup::server {
namespace {

using clock = std::chrono::steady_clock;

std::error_code last_error() {
  return {errno, std::generic_category()};
}

// One byte more than `most`, to see that there is more.
std::error_code read_all(int fd, std::size_t most, std::string& to, clock::time_point until) {
  std::size_t size = 0;
  to.assign(most + 1, '\0');
  while (size <= most) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
    pollfd wanted{fd, POLLIN, 0};
    if (::poll(&wanted, 1, static_cast<int>(std::max<long>(left, 0))) == 0) {
      return std::make_error_code(std::errc::timed_out);
    }
    const auto n = ::read(fd, to.data() + size, to.size() - size);
    if (n == 0) {
      to.resize(size);
      return {};
    }
    if (n < 0 && errno != EINTR && errno != EAGAIN) {
      return last_error();
    }
    size += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
  }
  return std::make_error_code(std::errc::file_too_large);
}

}  // namespace

std::error_code read_text_file(const std::string& path, std::size_t most, std::string& to,
                               std::chrono::milliseconds patience) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd == -1) {
    return last_error();
  }
  const auto ec = read_all(fd, most, to, clock::now() + patience);
  ::close(fd);
  return ec;
}

}  // namespace hangup::server
