// TLS for accepted connections (OpenSSL): versions 1.2 and later, with forward secrecy, HTTP/1.1 by
// ALPN. Nothing here blocks: where OpenSSL wants the socket to be readable or writable, the caller
// is told, and parks the connection or waits with its context.
//
// A client must not keep a thread busy, nor hold memory, by sending next to nothing. So one call
// takes a bounded number of pieces from the socket, whatever they are; records that bring no data
// (updates of keys, empty ones, alerts) are counted, and too many of them end the session; and
// OpenSSL's part of the session, some 40 KiB, is made when the first message of the client is
// there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace hangup::http {

// What a certificate or a key is refused for, in one line: "tls.crt: no certificate in it".
class tls_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A certificate chain and its private key, read from PEM files and checked against each other.
// Immutable: another one takes its place for the connections that come (server::use_tls).
class tls_identity {
 public:
  // Throws tls_error.
  tls_identity(const std::string& certificate_file, const std::string& key_file);

 private:
  friend class tls_session;
  std::shared_ptr<ssl_ctx_st> ctx_;
};

// One connection's. Thread-safe, each call for itself: the watcher may read while a worker writes.
class tls_session {
 public:
  enum class io {
    done,        // some bytes, or the handshake
    want_input,  // again when the socket is readable
    want_room,   // again when it is writable
    more,        // again without waiting, when the others have had their turn
    closed,      // the peer has closed in order (close_notify)
    cut_off,     // the peer has closed the socket and not TLS: a truncation (RFC 8446 6.1)
    reset,       // the socket has failed, or there is no memory: errno says how
    failed,      // what came is not TLS
    plain_http,  // what came looks like the begin of an HTTP request; of handshake() only, the first
                 // time: nothing has been read or sent, and the socket may be used without TLS
    only_work,   // too many records that brought no data: it is to be closed
  };

  // Of an accepted, non-blocking socket, which stays the caller's.
  tls_session(const tls_identity& as, int fd) noexcept : ctx_(as.ctx_), fd_(fd) {}
  ~tls_session();
  tls_session(const tls_session&) = delete;
  tls_session& operator=(const tls_session&) = delete;

  io handshake() noexcept;
  // At most one record, 16 KiB: with a buffer of that size nothing is left behind in the session,
  // so that the socket says when there is more.
  io read(char* to, std::size_t size, std::size_t& got) noexcept;
  io write(std::string_view bytes, std::size_t& taken) noexcept;
  // Has it come to only_work?
  bool only_works() noexcept;
  // Tells the peer that nothing more will come, if there is room for that now.
  void close() noexcept;

 private:
  friend struct tls_socket;
  template <class Call>
  io after(Call call) noexcept;  // the lock is held
  io first_message() noexcept;
  bool begin() noexcept;
  bool too_much_work() const noexcept;

  std::mutex mutex_;
  const std::shared_ptr<ssl_ctx_st> ctx_;
  const int fd_;
  ssl_st* ssl_ = nullptr;       // until the first message is there
  int takes_ = 0;               // from the socket, which this call may still do
  std::uint64_t records_ = 0;   // which have come, of any kind
  std::uint64_t fruitful_ = 0;  // of these, those with data
  std::uint64_t data_ = 0;      // bytes
};

}  // namespace hangup::http
