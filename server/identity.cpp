#include "server/identity.h"

namespace hangup::server {

std::shared_ptr<const http::tls_identity> identity_of(const config& c) {
  if (c.tls.key.empty()) {
    return nullptr;
  }
  return std::make_shared<const http::tls_identity>(c.tls.certificate, c.tls.key);
}

}  // namespace hangup::server
