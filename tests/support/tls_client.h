// The client of raw bytes, over TLS (OpenSSL): it shakes hands, and leaves by close_notify, by FIN,
// by RST or by any two of them, as the test says.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "tests/support/client.h"

namespace hangup::test {

struct tls_offer {
  int least = TLS1_2_VERSION;
  int most = 0;                   // 0: whatever OpenSSL has
  std::string alpn{};             // as on the wire: "\x02h2"
  const char* ciphers = nullptr;  // of TLS 1.2; null: whatever OpenSSL has
};

class tls_client final : public client {
 public:
  // Connects, and no more.
  explicit tls_client(std::uint16_t port, const tls_offer& offer = {}, int receive_buffer = 0);
  tls_client(tls_client&&) = default;

  // The first message of the handshake, and no more for now.
  void hello();
  // The same message, for the test to send as it likes. shake_hands() goes on behind it.
  std::string hello_to_send();
  // All of it, or what is left of it. False: it was refused, or takes too long.
  bool shake_hands();

  // The reason for which the handshake failed; after an alert: 1000 and its number.
  int failure() const noexcept { return failure_; }
  std::string protocol() const { return ::SSL_get_version(ssl_.get()); }
  std::string alpn() const;
  // Of the certificate of the server; 0 if it has shown none.
  long serial() const;

  // The end of TLS in this direction, and of nothing else.
  void close_notify();
  bool was_closed_in_order() const {
    return (::SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  // A record that brings no data: from now on another key is used. False: it cannot be sent now.
  bool update_key();
  // So many of them, or until the server has closed.
  void update_key(int times);
  // Bytes that are not TLS.
  void send_raw(std::string_view bytes);

 protected:
  ssize_t put(std::string_view bytes) override;
  ssize_t take(char* to, std::size_t size) override;

 private:
  bool would_block(int result) const;

  struct freed {
    void operator()(SSL_CTX* c) const noexcept { ::SSL_CTX_free(c); }
    void operator()(SSL* s) const noexcept { ::SSL_free(s); }
  };
  std::unique_ptr<SSL_CTX, freed> ctx_;
  std::unique_ptr<SSL, freed> ssl_;
  int failure_ = 0;
};

}  // namespace hangup::test
