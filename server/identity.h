// The TLS certificate that the configuration names.
#pragma once

#include <memory>

#include "hangup/http/tls.h"
#include "server/config.h"

namespace hangup::server {

// Reads the certificate and its key. Null if none is configured (plain HTTP). Throws
// http::tls_error, one line.
std::shared_ptr<const http::tls_identity> identity_of(const config& c);

}  // namespace hangup::server
