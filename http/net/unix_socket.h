// Unix sockets to listen on, and the files that they have. Not for users.
#pragma once

#include <sys/types.h>

#include <string>
#include <system_error>
#include <utility>

#include "hangup/http/listen_address.h"
#include "http/net/descriptor.h"

namespace hangup::http {

// The file of a listening socket, which is removed at the end, unless another one has taken its
// place. It must be destroyed before the socket is closed: until then its inode number is not used
// again. Move-only, not thread-safe.
class socket_file {
 public:
  socket_file() noexcept = default;
  socket_file(std::string path, dev_t device, ino_t inode) noexcept
      : path_(std::move(path)), device_(device), inode_(inode) {}
  socket_file(socket_file&& other) noexcept
      : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}
  socket_file& operator=(socket_file&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(device_, other.device_);
    std::swap(inode_, other.inode_);
    return *this;
  }
  ~socket_file() { remove(); }

  void remove() noexcept;

 private:
  std::string path_;  // empty: there is none, or no more
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Listens on the Unix socket of this address; its descriptor is non-blocking. The file never has
// wider permissions than at.mode, and nobody can connect before it has exactly these.
//
// A file of a socket on which nobody listens is replaced. One on which somebody does is
// std::errc::address_in_use, and anything else of this name std::errc::not_a_socket. A path that is
// too long is std::errc::filename_too_long. On error `fd` and `file` are unchanged, and there is no
// new file. Throws only std::bad_alloc.
std::error_code listen_at_path(const listen_address& at, int backlog, descriptor& fd,
                               socket_file& file);

// Why listen_at_path() would fail, if so; a socket that is in use is not an error here. Makes
// nothing. Throws only std::bad_alloc.
std::error_code can_listen_at_path(const listen_address& at);

}  // namespace hangup::http
