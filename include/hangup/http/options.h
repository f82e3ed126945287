// The settings of a server. Everything that a client can make large, numerous or slow has a limit
// here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "hangup/http/error_page.h"
#include "hangup/http/half_close.h"
#include "hangup/http/head_limits.h"

#pragma GCC visibility push(default)

namespace hangup::http {

struct options {
  // Threads that read heads and run the routes without a pool; at least 1.
  unsigned front_threads = 2;
  // Event loops that share these threads and the connections; at least 1. Each has at least one
  // thread. One is enough for a few cores (ARCHITECTURE.md, "How it scales").
  unsigned front_loops = 1;
  std::size_t max_connections = 10000;  // further ones get a 503 and are closed
  // The most connections from one address, or from one user of Unix sockets. 0: no such limit, for
  // servers behind a proxy, where all connections come from one address.
  std::size_t max_connections_per_address = 0;
  int backlog = 1024;                // of each listening socket
  head_limits head{};                // 414, 431
  std::uint64_t max_body = 8 << 20;  // 413
  // A body up to this size is read completely before a worker is used; a larger one is read by the
  // worker. In a route without a pool it is the largest body: 413.
  std::uint64_t body_buffer = 64 << 10;
  // The most that is kept of an answer that the client does not take at once, in a route without a
  // pool; if there is more, it is cut off. Also the largest deferred answer (deferred.h).
  std::size_t spot_output = 16 << 20;

  half_close on_half_close = half_close::cancel;  // unless the route has its own
  // While a request waits or runs, up to this much of what its client sends next is read, so that a
  // FIN behind it is noticed. The first limit is per connection, the second for all connections
  // together. 0: nothing is read. A body that no handler will get does not count.
  std::size_t read_ahead = 1 << 20;
  std::size_t read_ahead_total = 64 << 20;

  // From the accept to the end of the TLS handshake; then it is closed.
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds head_timeout{10'000};  // from the first byte of a head to its end: 408
  // Between requests; then the connection is closed.
  std::chrono::milliseconds idle_timeout{60'000};
  // How long to wait for a client that sends a body (408) or reads an answer. The time is used up
  // while the client is waited for, and regained by the bytes it moves, at the given rate in bytes
  // per second. So a byte now and then does not prolong it for ever. With a rate of 0 every byte
  // regains all of it.
  std::chrono::milliseconds body_timeout{30'000};
  std::uint64_t body_min_rate = 1024;
  std::chrono::milliseconds write_timeout{30'000};
  std::uint64_t write_min_rate = 1024;
  // How long the client may take to close after the server has.
  std::chrono::milliseconds linger_timeout{1'000};
  // The deadline of a route without a pool that has none of its own. It covers the arrival of the
  // body and the sending of the answer. 0: none.
  std::chrono::milliseconds spot_deadline{30'000};

  // A request whose work is still going on this long after its context has ended is reported as a
  // late stopper. 0: none is reported.
  std::chrono::milliseconds late_after{1'000};

  // For clients that vanish without a FIN or RST. Keep-alive finds them while the server waits, the
  // user timeout while it sends (tcp(7)).
  std::chrono::seconds keepalive_idle{10};
  std::chrono::seconds keepalive_interval{5};
  int keepalive_probes = 3;
  std::chrono::milliseconds user_timeout{30'000};

  // Headers of every answer, also of those that the server makes itself: {{"X-Frame-Options",
  // "DENY"}}. One is left out where the answer has a header of this name already, from the handler,
  // a guard or the server. The same name may stand here several times. The constructor of the
  // server throws std::invalid_argument for what reply::set() would refuse, for Date, Content-Type,
  // Content-Encoding and Content-Range, and if all of them together are longer than 8 KiB.
  std::vector<std::pair<std::string, std::string>> default_headers{};
  // The bodies of the answers that the server makes itself (error_page.h). Empty: problems.
  error_maker make_error{};
};

}  // namespace hangup::http

#pragma GCC visibility pop
