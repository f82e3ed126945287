// The upstreams of the configuration.
#pragma once

#include <memory>
#include <string>

#include "handlers/relay/relay.h"
#include "server/config.h"

namespace hangup::server {

// Makes one of them, and reads the authorities for its certificate. Throws std::invalid_argument,
// one line: "relay.upstreams.next.ca_file: ...".
std::unique_ptr<const handlers::upstream> open_upstream(const std::string& name,
                                                        const config::relay_t& c);

}  // namespace hangup::server
