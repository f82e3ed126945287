#include "http/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace hangup::http {
namespace {

// The first thing that went wrong, in the system's words or OpenSSL's.
std::string why() {
  const auto code = ::ERR_peek_error();
  ::ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) {
    return std::generic_category().message(ERR_GET_REASON(code));
  }
  const char* const reason = ::ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown error";
}

// The socket, without SIGPIPE: a library must not change what signals do to the program.
int to_descriptor(BIO* bio) noexcept {
  return *static_cast<const int*>(::BIO_get_data(bio));
}

int bio_read(BIO* bio, char* to, int size) noexcept {
  ::BIO_clear_retry_flags(bio);
  const auto n = ::recv(to_descriptor(bio), to, static_cast<std::size_t>(size), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
    ::BIO_set_retry_read(bio);
  } else if (n == 0) {
    ::BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  }
  return static_cast<int>(n);
}

int bio_write(BIO* bio, const char* from, int size) noexcept {
  ::BIO_clear_retry_flags(bio);
  const auto n =
      ::send(to_descriptor(bio), from, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
    ::BIO_set_retry_write(bio);
  }
  return static_cast<int>(n);
}

long bio_ctrl(BIO* bio, int command, long, void*) noexcept {
  if (command == BIO_CTRL_EOF) {
    return ::BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  }
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* socket_bio() {
  static BIO_METHOD* const method = [] {
    auto* const m = ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    ::BIO_meth_set_read(m, &bio_read);
    ::BIO_meth_set_write(m, &bio_write);
    ::BIO_meth_set_ctrl(m, &bio_ctrl);
    return m;
  }();
  return method;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int size, void*) noexcept {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (::SSL_select_next_proto(&chosen, out_size, ours, sizeof ours - 1, offered, size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 3.2
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

tls_identity::tls_identity(const std::string& certificate_file, const std::string& key_file)
    : ctx_(::SSL_CTX_new(::TLS_server_method()), &::SSL_CTX_free) {
  if (!ctx_) {
    throw tls_error("OpenSSL: " + why());
  }
  auto* const ctx = ctx_.get();
  ::SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  ::SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A FIN in the middle of TLS is told apart below. By default OpenSSL would answer it with an
  // alert, which makes a client that has gone reset the connection: its departure would look like
  // another.
  ::SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
  ::SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_alpn_select_cb(ctx, &choose_protocol, nullptr);
  // A key with a passphrase is refused: without this OpenSSL would ask for it on the terminal.
  ::SSL_CTX_set_default_passwd_cb(ctx, [](char*, int, int, void*) { return -1; });
  ::ERR_clear_error();
  if (::SSL_CTX_use_certificate_chain_file(ctx, certificate_file.c_str()) != 1) {
    throw tls_error(certificate_file + ": no certificate in PEM: " + why());
  }
  if (::SSL_CTX_use_PrivateKey_file(ctx, key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_check_private_key(ctx) != 1) {
    throw tls_error(key_file + ": no private key in PEM for " + certificate_file + ": " + why());
  }
}

tls_session::tls_session(const tls_identity& as, int fd) : fd_(fd), ssl_(::SSL_new(as.ctx_.get())) {
  auto* const bio = ssl_ != nullptr ? ::BIO_new(socket_bio()) : nullptr;
  if (bio == nullptr) {
    ::SSL_free(ssl_);
    throw std::bad_alloc();
  }
  ::BIO_set_data(bio, &fd_);
  ::BIO_set_init(bio, 1);
  ::SSL_set_bio(ssl_, bio, bio);
  ::SSL_set_accept_state(ssl_);
}

tls_session::~tls_session() {
  ::SSL_free(ssl_);
}

// What one of OpenSSL's calls has come to.
template <class Call>
tls_session::io tls_session::after(Call call) noexcept {
  const std::lock_guard hold(mutex_);
  ::ERR_clear_error();
  errno = 0;
  const int result = call();
  if (result > 0) {
    return io::done;
  }
  const int system = errno;
  switch (::SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return io::want_input;
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
  return after([this] { return ::SSL_do_handshake(ssl_); });
}

tls_session::io tls_session::read(char* to, std::size_t size, std::size_t& got) noexcept {
  got = 0;
  return after([&] { return ::SSL_read_ex(ssl_, to, size, &got); });
}

tls_session::io tls_session::write(std::string_view bytes, std::size_t& taken) noexcept {
  taken = 0;
  return after([&] { return ::SSL_write_ex(ssl_, bytes.data(), bytes.size(), &taken); });
}

void tls_session::close() noexcept {
  const std::lock_guard hold(mutex_);
  ::ERR_clear_error();
  // A second SSL_shutdown would wait for the peer's.
  if (::SSL_is_init_finished(ssl_) == 1 && (::SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) == 0) {
    ::SSL_shutdown(ssl_);
  }
  ::ERR_clear_error();
}

}  // namespace hangup::http
