// The two ends of a connection as cpp-httplib shows them to handlers. Not for users.
#pragma once

#include <string>

#pragma GCC visibility push(default)

namespace hangup::http::detail {

// An address is empty, and a port negative, where cpp-httplib has none: of a Unix socket it knows
// the number of the client's process, as a port.
struct both_ends {
  std::string remote_address{};
  int remote_port = -1;
  std::string local_address{};
  int local_port = -1;
};

}  // namespace hangup::http::detail

#pragma GCC visibility pop
