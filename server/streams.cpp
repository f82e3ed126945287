#include "server/streams.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "hangup/context/wait.h"

namespace hangup::server {
namespace {

// So many bytes find room where poll(2) says that there is some: in a pipe always, in a terminal
// mostly.
constexpr std::size_t piece = PIPE_BUF;

ssize_t write_some(int fd, std::string_view text) noexcept {
  const auto n = ::send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  return n < 0 && errno == ENOTSOCK ? ::write(fd, text.data(), text.size()) : n;
}

// As write_text(); `why` is empty if all is written.
std::size_t write_pieces(const context& ctx, int fd, std::string_view text,
                         std::chrono::milliseconds patience, std::error_code& why) noexcept {
  const auto wait = saturated(patience);
  std::size_t written = 0;
  while (written < text.size()) {
    const auto now = context::clock::now();
    const auto until = wait < context::clock::time_point::max() - now
                           ? now + wait
                           : context::clock::time_point::max();
    why = wait_fd(ctx, fd, POLLOUT, until);
    if (why) {
      break;
    }
    const auto n = write_some(fd, text.substr(written, piece));
    if (n > 0) {
      written += static_cast<std::size_t>(n);
    } else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
      why = {n == 0 ? EIO : errno, std::generic_category()};
      break;
    }
  }
  return written;
}

}  // namespace

bool open_missing_streams() noexcept {
  for (int fd = 0; fd < 3; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
        ::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd) {  // the lowest that is free
      return false;
    }
  }
  return true;
}

std::size_t write_text(const context& ctx, int fd, std::string_view text,
                       std::chrono::milliseconds patience) noexcept {
  std::error_code ignored;
  return write_pieces(ctx, fd, text, patience, ignored);
}

std::error_code write_last(int fd, std::string_view text) noexcept {
  std::error_code why;
  write_pieces(background(), fd, text, std::chrono::seconds(1), why);
  return why;
}

}  // namespace hangup::server
