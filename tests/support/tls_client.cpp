#include "tests/support/tls_client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdint>

namespace hangup::test {
namespace {

int fd_of(::BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(::BIO_get_data(bio)));
}

// As OpenSSL's own for sockets, but without SIGPIPE: what a client writes to a server that has
// closed must not end the test.
::BIO* socket_without_sigpipe(int fd) {
  static BIO_METHOD* const method = [] {
    auto* const m = ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "test socket");
    ::BIO_meth_set_read(m, [](::BIO* bio, char* to, int size) {
      ::BIO_clear_retry_flags(bio);
      const auto n = ::recv(fd_of(bio), to, static_cast<std::size_t>(size), 0);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        ::BIO_set_retry_read(bio);
      } else if (n == 0) {
        ::BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
      }
      return static_cast<int>(n);
    });
    ::BIO_meth_set_write(m, [](::BIO* bio, const char* from, int size) {
      ::BIO_clear_retry_flags(bio);
      const auto n = ::send(fd_of(bio), from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        ::BIO_set_retry_write(bio);
      }
      return static_cast<int>(n);
    });
    ::BIO_meth_set_ctrl(m, [](::BIO* bio, int command, long, void*) -> long {
      return command == BIO_CTRL_EOF ? ::BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0
                                     : command == BIO_CTRL_FLUSH;
    });
    return m;
  }();
  ::BIO* const made = ::BIO_new(method);
  ::BIO_set_data(made, reinterpret_cast<void*>(std::intptr_t{fd}));
  ::BIO_set_init(made, 1);
  return made;
}

}  // namespace

tls_client::tls_client(std::uint16_t port, const tls_offer& offer, int receive_buffer)
    : client(port, receive_buffer), ctx_(::SSL_CTX_new(::TLS_client_method())) {
  ::SSL_CTX_set_min_proto_version(ctx_.get(), offer.least);
  ::SSL_CTX_set_max_proto_version(ctx_.get(), offer.most);
  ::SSL_CTX_set_security_level(ctx_.get(), 0);  // so that TLS 1.1 can be offered
  ::SSL_CTX_set_mode(ctx_.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (offer.ciphers != nullptr) {
    EXPECT_EQ(::SSL_CTX_set_cipher_list(ctx_.get(), offer.ciphers), 1);
  }
  ssl_.reset(::SSL_new(ctx_.get()));
  ::fcntl(fd(), F_SETFL, O_NONBLOCK);
  ::BIO* const socket = socket_without_sigpipe(fd());
  ::SSL_set_bio(ssl_.get(), socket, socket);
  if (!offer.alpn.empty()) {
    ::SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(offer.alpn.data()),
                          static_cast<unsigned>(offer.alpn.size()));
  }
}

void tls_client::hello() {
  ::BIO* const nothing = ::BIO_new(::BIO_s_mem());
  ::BIO_set_mem_eof_return(nothing, -1);
  ::SSL_set0_rbio(ssl_.get(), nothing);
  EXPECT_LT(::SSL_connect(ssl_.get()), 0);
  ::SSL_set0_rbio(ssl_.get(), socket_without_sigpipe(fd()));
}

std::string tls_client::hello_to_send() {
  ::BIO* const made = ::BIO_new(::BIO_s_mem());
  ::SSL_set0_wbio(ssl_.get(), made);
  ::BIO_up_ref(made);
  hello();
  ::SSL_set0_wbio(ssl_.get(), socket_without_sigpipe(fd()));
  const char* bytes = nullptr;
  const auto size = ::BIO_get_mem_data(made, &bytes);
  std::string all(bytes, static_cast<std::size_t>(size));
  ::BIO_free(made);
  return all;
}

bool tls_client::shake_hands() {
  const auto limit = now() + patience;
  for (;;) {
    ::ERR_clear_error();
    const int n = ::SSL_connect(ssl_.get());
    if (n == 1) {
      return true;
    }
    if (!would_block(n)) {
      failure_ = ERR_GET_REASON(::ERR_peek_error());
      return false;
    }
    if (!wait_for(POLLIN, limit)) {
      return false;
    }
  }
}

std::string tls_client::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  ::SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

long tls_client::serial() const {
  X509* const shown = ::SSL_get1_peer_certificate(ssl_.get());
  const long number = shown != nullptr ? ::ASN1_INTEGER_get(::X509_get0_serialNumber(shown)) : 0;
  ::X509_free(shown);
  return number;
}

void tls_client::close_notify() {
  ::ERR_clear_error();
  ::SSL_shutdown(ssl_.get());
}

bool tls_client::update_key() {
  ::ERR_clear_error();
  return ::SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
         ::SSL_do_handshake(ssl_.get()) == 1;
}

void tls_client::update_key(int times) {
  for (int i = 0; i < times && writable(patience) && update_key(); ++i) {
  }
}

void tls_client::send_raw(std::string_view bytes) {
  static_cast<void>(::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

ssize_t tls_client::put(std::string_view bytes) {
  ::ERR_clear_error();
  std::size_t n = 0;
  if (::SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &n) == 1) {
    return static_cast<ssize_t>(n);
  }
  errno = would_block(0) ? EAGAIN : EPIPE;
  return -1;
}

ssize_t tls_client::take(char* to, std::size_t size) {
  ::ERR_clear_error();
  std::size_t n = 0;
  if (::SSL_read_ex(ssl_.get(), to, size, &n) == 1) {
    return static_cast<ssize_t>(n);
  }
  if (::SSL_get_error(ssl_.get(), 0) == SSL_ERROR_ZERO_RETURN) {
    return 0;
  }
  errno = would_block(0) ? EAGAIN : ECONNRESET;
  return -1;
}

bool tls_client::would_block(int result) const {
  const int error = ::SSL_get_error(ssl_.get(), result);
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

}  // namespace hangup::test
