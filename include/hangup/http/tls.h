// The certificate and private key of a server that speaks TLS: version 1.2 and later, only with
// forward secrecy, HTTP/1.1 by ALPN.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

struct ssl_ctx_st;

#pragma GCC visibility push(default)

namespace hangup::http {

// Why a certificate or a key is refused, in one line: "tls.crt: no certificate in it".
class tls_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A certificate chain and its private key, read from PEM files and checked against each other.
// Immutable; to renew a certificate, new connections are given a new object (server::use_tls).
class tls_identity {
 public:
  // Throws tls_error; always, if this hangup was built without TLS (HANGUP_TLS=OFF).
  tls_identity(const std::string& certificate_file, const std::string& key_file);

 private:
  friend class tls_session;
  std::shared_ptr<ssl_ctx_st> ctx_;
};

}  // namespace hangup::http

#pragma GCC visibility pop
