#include "server/text_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "http/net/descriptor.h"

namespace hangup::server {
namespace {

using clock = std::chrono::steady_clock;

std::string last_error() {
  return std::generic_category().message(errno);
}

std::string kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "";
    case S_IFDIR:
      return "a directory";
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    default:
      return "a device";
  }
}

// A pipe without a name in the file system: somebody has it open to write to, or has had.
bool is_pipe_of_the_shell(const std::string& path) {
  struct statfs on {};
  return ::statfs(path.c_str(), &on) == 0 && on.f_type == PIPEFS_MAGIC;
}

// One byte more than `most`, to see that there is more.
problem read_all(int fd, std::size_t most, std::string& to, clock::time_point until) {
  std::size_t size = 0;
  to.assign(most + 1, '\0');
  while (size <= most) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
    pollfd wanted{fd, POLLIN, 0};
    if (::poll(&wanted, 1, static_cast<int>(std::max<long>(left, 0))) == 0) {
      return "it is a pipe whose end does not come";
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
  return "it has more than " + std::to_string(most) + " bytes";
}

}  // namespace

problem read_text_file(const std::string& path, std::size_t most, std::string& to,
                       std::chrono::milliseconds patience) {
  // Before it is opened, which some devices take for an order.
  if (const auto kind = kind_of_special_file(path); !kind.empty() && !is_pipe_of_the_shell(path)) {
    return "it is " + kind;
  }
  const http::descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  return fd ? read_all(fd.get(), most, to, clock::now() + patience) : last_error();
}

bool is_wide_text(std::string_view text) noexcept {
  return text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") ||
         text.substr(0, 2).find('\0') != std::string_view::npos;
}

std::string kind_of_special_file(const std::string& path) {
  struct stat file {};
  return ::stat(path.c_str(), &file) == 0 ? kind_of(file.st_mode) : "";
}

}  // namespace hangup::server
