#include "http/net/unix_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <thread>

namespace hangup::http {
namespace {

constexpr mode_t permissions = 07777;

bool is_abstract(const listen_address& at) noexcept {
  return at.path.starts_with('@');
}

struct socket_name {
  sockaddr_un at{};
  socklen_t size = 0;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&at); }
};

std::error_code name_of(const listen_address& of, socket_name& to) {
  if (of.path.size() > max_unix_path) {
    return std::make_error_code(std::errc::filename_too_long);
  }
  if (of.path.find('\0') != std::string::npos) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  to.at.sun_family = AF_UNIX;
  of.path.copy(to.at.sun_path, of.path.size());
  to.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + of.path.size());
  if (is_abstract(of)) {
    to.at.sun_path[0] = '\0';
  } else {
    ++to.size;  // the NUL
  }
  return {};
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

// Keeps other servers that start at the same moment from taking a socket that is bound, but does
// not listen yet, for a stale one. Empty if the folder cannot be locked: it may not be readable, or
// somebody who is no server holds the lock. Then only that moment is not covered.
descriptor locked(const std::string& folder) {
  constexpr int attempts = 100;
  constexpr std::chrono::milliseconds pause{10};
  descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; fd && i < attempts; ++i) {
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
      return fd;
    }
    if (errno != EWOULDBLOCK && errno != EINTR) {
      break;
    }
    std::this_thread::sleep_for(pause);
  }
  return {};
}

// Removes the file if it is that of a socket on which nobody listens.
std::error_code remove_stale(const socket_name& name) {
  const char* const path = name.at.sun_path;
  struct stat there {};
  if (::lstat(path, &there) != 0) {
    return errno == ENOENT ? std::error_code() : last_error();
  }
  if (!S_ISSOCK(there.st_mode)) {
    return std::make_error_code(std::errc::not_a_socket);
  }
  const descriptor asking(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!asking) {
    return last_error();
  }
  // EAGAIN: so many wait already. EPROTOTYPE: it is used for datagrams.
  if (::connect(asking.get(), name.get(), name.size) == 0 || errno == EAGAIN ||
      errno == EPROTOTYPE) {
    return std::make_error_code(std::errc::address_in_use);
  }
  if (errno == ENOENT) {
    return {};
  }
  if (errno != ECONNREFUSED || ::unlink(path) != 0) {
    return last_error();
  }
  return {};
}

// The file that has just been made by bind(2), with exactly these permissions: the umask may have
// taken some away. The path is not followed, since somebody may have put a link in its place.
std::error_code made_file(const std::string& path, mode_t mode, socket_file& file) {
  const descriptor at(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat made {};
  if (!at || ::fstat(at.get(), &made) != 0) {
    return last_error();
  }
  if (!S_ISSOCK(made.st_mode)) {
    return std::make_error_code(std::errc::not_a_socket);
  }
  file = socket_file(path, made.st_dev, made.st_ino);
  const auto same = "/proc/self/fd/" + std::to_string(at.get());
  if ((made.st_mode & permissions) != mode && ::chmod(same.c_str(), mode) != 0) {
    return last_error();
  }
  return {};
}

}  // namespace

void socket_file::remove() noexcept {
  struct stat there {};
  if (!path_.empty() && ::lstat(path_.c_str(), &there) == 0 && there.st_dev == device_ &&
      there.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
  path_.clear();
}

std::error_code listen_at_path(const listen_address& at, int backlog, descriptor& fd,
                               socket_file& file) {
  socket_name name;
  if (const auto ec = name_of(at, name)) {
    return ec;
  }
  descriptor made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // Linux gives the file the permissions of the socket, less the umask. To change the umask would
  // change it for all threads.
  const auto mode = static_cast<mode_t>(at.mode) & permissions;
  if (!made || ::fchmod(made.get(), mode) != 0) {
    return last_error();
  }
  const auto lock = is_abstract(at) ? descriptor() : locked(folder_of(at.path));
  if (::bind(made.get(), name.get(), name.size) != 0) {
    if (errno != EADDRINUSE || is_abstract(at)) {
      return last_error();
    }
    if (const auto ec = remove_stale(name)) {
      return ec;
    }
    if (::bind(made.get(), name.get(), name.size) != 0) {
      return last_error();
    }
  }
  socket_file of_it;  // removed again on error
  if (!is_abstract(at)) {
    if (const auto ec = made_file(at.path, mode, of_it)) {
      return ec;
    }
  }
  if (::listen(made.get(), backlog) != 0) {
    return last_error();
  }
  fd = std::move(made);
  file = std::move(of_it);
  return {};
}

std::error_code can_listen_at_path(const listen_address& at) {
  socket_name name;
  if (const auto ec = name_of(at, name); ec || is_abstract(at)) {
    return ec;
  }
  if (::faccessat(AT_FDCWD, folder_of(at.path).c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return last_error();
  }
  struct stat there {};
  if (::lstat(at.path.c_str(), &there) != 0) {
    return errno == ENOENT ? std::error_code() : last_error();
  }
  return S_ISSOCK(there.st_mode) ? std::error_code()
                                 : std::make_error_code(std::errc::not_a_socket);
}

}  // namespace hangup::http
