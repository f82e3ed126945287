// The sockets that a server listens on: one per address of a name, one per Unix socket, or those
// that were given to the process when it was started. Not for users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "hangup/http/listen_address.h"
#include "hangup/http/options.h"
#include "http/net/descriptor.h"
#include "http/net/unix_socket.h"

namespace hangup::http {

struct listening_socket {
  descriptor fd;   // non-blocking, listening
  std::string at;  // "127.0.0.1:8080", "[::1]:8080", "unix:/run/hangup.sock"
  bool is_unix = false;
  audience serves = audience::all;
  // Another process has it too, which may go on listening: it is closed, but not shut down.
  bool is_inherited = false;
  socket_file file{};  // behind `fd`, so that it is destroyed before
};

struct listener {
  std::vector<listening_socket> sockets;
  std::uint16_t port = 0;  // of the first address that has one
};

// Listens on all addresses of `host`, which is a name ("localhost" means 127.0.0.1 and ::1) or an
// address; IPv6 addresses may be in brackets. "0.0.0.0" means all of IPv4, "::" all of IPv6 and
// IPv4, whatever the system's default is. Port 0 chooses a port that is free on all of them. An
// address of a name that this machine does not have (IPv6 may be off) is left out, unless it has
// none of them.
//
// SO_REUSEPORT is not set, so a port that is in use on any of the addresses gives
// std::errc::address_in_use. On error `to` is unchanged. Throws only std::bad_alloc.
std::error_code listen_on(const std::string& host, std::uint16_t port, const options& how,
                          listener& to);

// The same for several addresses, of TCP and Unix sockets (unix_socket.h): all of them or none. On
// error `failed`, if it is not null, is the index of the address that is to blame. No address at
// all is std::errc::invalid_argument.
std::error_code listen_on(const std::vector<listen_address>& all, const options& how, listener& to,
                          std::size_t* failed = nullptr);

// Sets on an accepted socket what those that were accepted from our own sockets have inherited from
// these. What does not fit its kind is left.
void set_accepted_options(int fd, const options& how) noexcept;

// Whether the descriptor is a stream socket of TCP or Unix that listens already.
bool is_listening(int fd) noexcept;

// Listens on duplicates of these descriptors. One for which is_listening() does not hold is
// std::errc::not_a_socket; `failed` as above. TCP options of the
// socket are set. Throws only std::bad_alloc.
std::error_code listen_on_inherited(std::span<const int> all, const options& how, listener& to,
                                    std::size_t* failed = nullptr);

// Takes the sockets of `more` as well.
void add(listener more, listener& to);

// Whether a name or an address, as listen_on() takes it, stands for one that is not on loopback. No
// for what is no address and has none.
bool is_beyond_loopback(const std::string& host);
// The address of a socket that listens, as text, if it is a TCP one and not on loopback; else "".
std::string beyond_loopback(int fd);
bool is_unix_socket(int fd) noexcept;

// Why listen_on() would fail, if so; an address that is in use is not an error here. Binds the
// sockets of TCP and closes them again, and listens on none. Makes no Unix socket. Throws only
// std::bad_alloc.
std::error_code can_listen_on(const listen_address& at);

}  // namespace hangup::http
