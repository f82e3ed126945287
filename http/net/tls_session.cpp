#include "http/net/tls_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "http/wire/head.h"

namespace hangup::http {

// The socket as seen by OpenSSL. It avoids SIGPIPE, because a library must not change the signal
// handling of the program.
struct tls_socket {
  static tls_session& of(BIO* bio) noexcept {
    return *static_cast<tls_session*>(::BIO_get_data(bio));
  }

  static int read(BIO* bio, char* to, int size) noexcept {
    ::BIO_clear_retry_flags(bio);
    auto& session = of(bio);
    if (session.takes_ == 0) {  // OpenSSL would go on as long as there is input
      ::BIO_set_retry_read(bio);
      return -1;
    }
    const auto n = ::recv(session.fd_, to, static_cast<std::size_t>(size), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
      ::BIO_set_retry_read(bio);
    } else if (n == 0) {
      ::BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    } else if (n > 0) {
      --session.takes_;
    }
    return static_cast<int>(n);
  }

  static int write(BIO* bio, const char* from, int size) noexcept {
    ::BIO_clear_retry_flags(bio);
    const auto n =
        ::send(of(bio).fd_, from, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
      ::BIO_set_retry_write(bio);
    }
    return static_cast<int>(n);
  }

  static long control(BIO* bio, int command, long, void*) noexcept {
    if (command == BIO_CTRL_EOF) {
      return ::BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    }
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  // OpenSSL calls this for each message and for the header of each record.
  static void shown(int sent, int, int type, const void*, std::size_t, SSL*, void* to) noexcept {
    if (sent == 0 && type == SSL3_RT_HEADER) {
      ++static_cast<tls_session*>(to)->records_;
    }
  }

  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      auto* const m = ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
      if (m == nullptr) {
        // Thrown by the initialiser of a static: the next caller tries again.
        throw std::bad_alloc();
      }
      ::BIO_meth_set_read(m, &read);
      ::BIO_meth_set_write(m, &write);
      ::BIO_meth_set_ctrl(m, &control);
      return m;
    }();
    return made;
  }
};

namespace {

// "GET /", "POST", "O": the beginning of a method, or of a request line. No record of TLS begins
// with a letter. In capitals a part of the method is enough. In other letters it can be told from
// other protocols only with the path behind it.
bool is_like_a_request(std::string_view begin) noexcept {
  begin.remove_prefix(leading_empty_lines(begin));
  const auto method = begin.substr(0, begin.find(' '));
  const bool with_path = begin.substr(method.size()).starts_with(" /");
  return !method.empty() && std::all_of(method.begin(), method.end(), [with_path](char c) {
    return (c >= 'A' && c <= 'Z') || (with_path && c >= 'a' && c <= 'z');
  });
}

}  // namespace

void tls_session::prepare() {
  static_cast<void>(tls_socket::method());
}

tls_session::~tls_session() {
  ::SSL_free(ssl_);
}

// Is there enough of a ClientHello to be worth what a session costs (done)? What is neither one nor
// HTTP is for OpenSSL to refuse.
tls_session::io tls_session::first_message() noexcept {
  constexpr std::size_t record_head = 5;   // RFC 8446 5.1
  constexpr std::size_t message_head = 4;  // RFC 8446 4
  constexpr std::size_t shortest = 48;     // no ClientHello is shorter
  constexpr std::size_t enough = 4096;     // a long one, which has cost its sender something
  constexpr unsigned char client_hello = 1;
  std::array<unsigned char, record_head + message_head> head{};
  const auto n = ::recv(fd_, head.data(), head.size(), MSG_PEEK | MSG_DONTWAIT);
  if (n < 0) {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? io::want_input : io::reset;
  }
  if (n == 0) {
    return io::cut_off;
  }
  auto wanted = shortest;
  if (head[0] != SSL3_RT_HANDSHAKE) {
    const std::string begin(head.begin(), head.begin() + n);
    return is_like_a_request(begin) ? io::plain_http : io::done;
  }
  if (static_cast<std::size_t>(n) == head.size()) {
    const std::size_t record = std::size_t{head[3]} << 8U | head[4];
    const std::size_t message = std::size_t{head[6]} << 16U | std::size_t{head[7]} << 8U | head[8];
    if (record >= message_head) {  // otherwise the message head continues in the next record
      wanted = head[record_head] == client_hello ? std::min(head.size() + message, enough) : 0;
    }
  }
  int there = 0;
  if (::ioctl(fd_, FIONREAD, &there) != 0 || static_cast<std::size_t>(there) >= wanted) {
    return io::done;
  }
  pollfd left{fd_, POLLRDHUP, 0};
  return ::poll(&left, 1, 0) > 0 ? io::cut_off : io::want_input;
}

bool tls_session::begin() noexcept {
  ssl_ = ::SSL_new(ctx_.get());
  auto* const bio = ssl_ != nullptr ? ::BIO_new(tls_socket::method()) : nullptr;
  if (bio == nullptr) {
    ::SSL_free(std::exchange(ssl_, nullptr));
    return false;
  }
  ::BIO_set_data(bio, this);
  ::BIO_set_init(bio, 1);
  ::SSL_set_bio(ssl_, bio, bio);
  ::SSL_set_msg_callback(ssl_, &tls_socket::shown);
  ::SSL_set_msg_callback_arg(ssl_, this);
  ::SSL_set_accept_state(ssl_);
  return true;
}

// TLS needs some such records, and each 16 KiB of data allow one more.
bool tls_session::too_much_work() const noexcept {
  constexpr std::uint64_t always = 128;
  constexpr std::uint64_t one_more = 16 * 1024;
  return records_ - fruitful_ > always + data_ / one_more;
}

// Translates the result of an OpenSSL call.
template <class Call>
tls_session::io tls_session::after(Call call) noexcept {
  constexpr int takes_at_once = 64;  // a record takes one read for its head and one for the rest
  takes_ = takes_at_once;
  ::ERR_clear_error();
  errno = 0;
  const int result = call();
  if (result > 0) {
    return io::done;
  }
  const int system = errno;
  switch (::SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return takes_ == 0 ? io::more : io::want_input;
    case SSL_ERROR_WANT_WRITE:
      return io::want_room;
    case SSL_ERROR_ZERO_RETURN:
      return BIO_eof(::SSL_get_rbio(ssl_)) ? io::cut_off : io::closed;
    case SSL_ERROR_SYSCALL:
      errno = system;
      return system == 0 ? io::cut_off : io::reset;
    default:
      break;
  }
  ::ERR_clear_error();
  return io::failed;
}

tls_session::io tls_session::handshake() noexcept {
  const std::lock_guard hold(mutex_);
  if (ssl_ == nullptr) {
    if (const auto how = first_message(); how != io::done) {
      return how;
    }
    if (!begin()) {
      errno = ENOMEM;
      return io::reset;
    }
  }
  return too_much_work() ? io::only_work : after([this] { return ::SSL_do_handshake(ssl_); });
}

tls_session::io tls_session::read(char* to, std::size_t size, std::size_t& got) noexcept {
  got = 0;
  const std::lock_guard hold(mutex_);
  if (too_much_work()) {
    return io::only_work;
  }
  const auto how = after([&] { return ::SSL_read_ex(ssl_, to, size, &got); });
  data_ += got;
  fruitful_ += got > 0 ? 1 : 0;
  return how;
}

tls_session::io tls_session::write(std::string_view bytes, std::size_t& taken) noexcept {
  taken = 0;
  const std::lock_guard hold(mutex_);
  return after([&] { return ::SSL_write_ex(ssl_, bytes.data(), bytes.size(), &taken); });
}

bool tls_session::only_works() noexcept {
  const std::lock_guard hold(mutex_);
  return too_much_work();
}

void tls_session::close() noexcept {
  const std::lock_guard hold(mutex_);
  if (ssl_ == nullptr) {
    return;
  }
  ::ERR_clear_error();
  // A second SSL_shutdown() would wait for the peer.
  if (::SSL_is_init_finished(ssl_) == 1 && (::SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) == 0) {
    ::SSL_shutdown(ssl_);
  }
  ::ERR_clear_error();
}

}  // namespace hangup::http
