// The other servers of the configuration.
#pragma once

#include <memory>
#include <string>

#include "handlers/relay.h"
#include "server/config.h"

namespace hangup::server {

// One of them, with the authorities that it is checked against. Throws std::invalid_argument in one
// line, "relay.upstreams.next.ca_file: ...".
std::unique_ptr<const handlers::upstream> open_upstream(const std::string& name,
                                                        const config::relay_t& c);

}  // namespace hangup::server
