#include "hangup/http/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "http/net/regular_file.h"
#include "http/net/tls_session.h"
#include "http/wire/grammar.h"

namespace hangup::http {
namespace {

// The first error, in the words of the system or of OpenSSL.
std::string why() {
  const auto code = ::ERR_peek_error();
  ::ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) {
    return std::generic_category().message(ERR_GET_REASON(code));
  }
  const char* const reason = ::ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown error";
}

// A path for a message: in one line, and cut if it is long. It may be no path, but a private key
// that was given in its place.
std::string in_a_message(const std::string& path) {
  constexpr std::size_t most = 128;
  auto line = path.substr(0, most);
  std::replace_if(line.begin(), line.end(), is_control, '?');
  return path.size() > most ? line + "..." : line;
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
  tls_session::prepare();
  for (const auto* const file : {&certificate_file, &key_file}) {
    if (is_not_regular_file(file->c_str())) {
      throw tls_error(in_a_message(*file) + ": it is not a regular file");
    }
  }
  auto* const ctx = ctx_.get();
  ::SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  // TLS 1.2 only with forward secrecy: recorded connections cannot be decrypted by somebody who
  // gets the key later.
  if (::SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL") != 1) {
    throw tls_error("OpenSSL: " + why());
  }
  ::SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A FIN in the middle of TLS is detected below. By default OpenSSL would answer it with an alert;
  // a client that has closed the connection would answer that with a reset, and its departure would
  // look like one of another kind.
  ::SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
  ::SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_alpn_select_cb(ctx, &choose_protocol, nullptr);
  // Refuses a key with a passphrase; otherwise OpenSSL would ask for it on the terminal.
  ::SSL_CTX_set_default_passwd_cb(ctx, [](char*, int, int, void*) { return -1; });
  ::ERR_clear_error();
  if (::SSL_CTX_use_certificate_chain_file(ctx, certificate_file.c_str()) != 1) {
    throw tls_error(in_a_message(certificate_file) + ": no certificate in PEM: " + why());
  }
  if (::SSL_CTX_use_PrivateKey_file(ctx, key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_check_private_key(ctx) != 1) {
    throw tls_error(in_a_message(key_file) + ": no private key in PEM for " +
                    in_a_message(certificate_file) + ": " + why());
  }
}

}  // namespace hangup::http
