#include "server/streams.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "hangup/context/wait.h"

namespace hangup::server {
namespace {

constexpr std::size_t for_pipes = PIPE_BUF;
constexpr std::size_t for_files_and_sockets = 64 * 1024;

// What the descriptor is: S_IFREG, S_IFSOCK ...; 0: nothing.
mode_t kind_of(int fd) noexcept {
  struct stat about {};
  return ::fstat(fd, &about) == 0 ? about.st_mode & S_IFMT : 0;
}

std::size_t most_for(mode_t kind) noexcept {
  return kind == S_IFREG || kind == S_IFSOCK ? for_files_and_sockets : for_pipes;
}

ssize_t write_some(int fd, mode_t kind, std::string_view text) noexcept {
  return kind == S_IFSOCK ? ::send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                          : ::write(fd, text.data(), text.size());
}

// As write_text(); `why` is empty if all is written.
std::size_t write_pieces(const context& ctx, int fd, std::string_view text,
                         std::chrono::milliseconds patience, std::error_code& why) noexcept {
  const auto wait = saturated(patience);
  const auto kind = kind_of(fd);
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
    const auto n = write_some(fd, kind, text.substr(written, most_for(kind)));
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

std::size_t most_at_once(int fd) noexcept {
  return most_for(kind_of(fd));
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
