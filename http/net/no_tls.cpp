// In place of tls.cpp and tls_session.cpp where OpenSSL was left out (HANGUP_TLS=OFF): there is no
// identity, so there is never a session.
#include "hangup/http/tls.h"
#include "http/net/tls_session.h"

namespace hangup::http {

tls_identity::tls_identity(const std::string&, const std::string&) {
  throw tls_error("this hangup was built without TLS (HANGUP_TLS=OFF)");
}

void tls_session::prepare() {}

tls_session::~tls_session() = default;

tls_session::io tls_session::handshake() noexcept {
  return io::failed;
}

tls_session::io tls_session::read(char*, std::size_t, std::size_t&) noexcept {
  return io::failed;
}

tls_session::io tls_session::write(std::string_view, std::size_t&) noexcept {
  return io::failed;
}

bool tls_session::only_works() noexcept {
  return false;
}

void tls_session::close() noexcept {}

}  // namespace hangup::http
