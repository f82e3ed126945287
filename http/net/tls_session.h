// TLS for accepted connections, with OpenSSL. Nothing here blocks: if OpenSSL needs the socket to
// be readable or writable, the caller is told so, and parks the connection or waits with its
// context.
//
// A client must not be able to keep a thread busy, or hold memory, by sending almost nothing. So
// one call takes a limited number of pieces from the socket. Records without data (key updates,
// empty records, alerts) are counted, and too many of them end the session. OpenSSL's own state of
// about 40 KiB is not allocated before the first message of the client has arrived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "hangup/http/tls.h"

struct ssl_st;

namespace hangup::http {

// The TLS session of one connection. Each call is thread-safe: the watcher may read while a worker
// writes.
class tls_session {
 public:
  enum class io {
    done,        // some bytes were moved, or the handshake is complete
    want_input,  // call again when the socket is readable
    want_room,   // call again when the socket is writable
    more,        // call again without waiting, after other connections have been served
    closed,      // the peer has closed the session properly (close_notify)
    cut_off,     // the peer has closed the socket without that: a truncation (RFC 8446 6.1)
    reset,       // the socket has failed, or there is no memory: see errno
    failed,      // what came is not TLS
    only_work,   // too many records that brought no data: close it
    // What came looks like the beginning of an HTTP request without TLS. Only the first handshake()
    // returns this: nothing has been read or sent, and the socket may be used without TLS.
    plain_http,
  };

  // Makes what all sessions share, so that a session does not have to. Throws std::bad_alloc.
  static void prepare();

  // For an accepted, non-blocking socket, which the caller keeps and closes.
  tls_session(const tls_identity& as, int fd) noexcept : ctx_(as.ctx_), fd_(fd) {}
  ~tls_session();
  tls_session(const tls_session&) = delete;
  tls_session& operator=(const tls_session&) = delete;

  io handshake() noexcept;
  // Reads at most one record, 16 KiB. With a buffer of that size nothing stays behind in the
  // session, so the socket is readable whenever there is more.
  io read(char* to, std::size_t size, std::size_t& got) noexcept;
  io write(std::string_view bytes, std::size_t& taken) noexcept;
  // Whether the result of the next call would be only_work.
  bool only_works() noexcept;
  // Sends close_notify, if there is room for it now.
  void close() noexcept;

 private:
  friend struct tls_socket;
  template <class Call>
  io after(Call call) noexcept;  // the lock must be held
  io first_message() noexcept;
  bool begin() noexcept;
  bool too_much_work() const noexcept;

  std::mutex mutex_;
  const std::shared_ptr<ssl_ctx_st> ctx_;
  const int fd_;
  ssl_st* ssl_ = nullptr;       // null until the first message has arrived
  int takes_ = 0;               // how many more reads from the socket this call may do
  std::uint64_t records_ = 0;   // records of any kind received
  std::uint64_t fruitful_ = 0;  // of these, records with data
  std::uint64_t data_ = 0;      // bytes
};

}  // namespace hangup::http
