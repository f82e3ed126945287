// How a server treats its connections. Everything that a stranger can make large, many or slow is
// bounded here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "http/half_close.h"
#include "http/head.h"

namespace hangup::http {

struct options {
  unsigned front_threads = 2;           // threads that read heads and serve routes on the spot
  std::size_t max_connections = 10000;  // one more is answered 503 and closed
  // From one address; 0: as many as there may be at all, as behind a proxy all come from one.
  std::size_t max_connections_per_address = 0;
  int backlog = 1024;                // of each listening socket
  head_limits head{};                // 414, 431
  std::uint64_t max_body = 8 << 20;  // 413
  // A body up to this size is complete before a worker is taken; a larger one is read by the
  // worker.
  std::uint64_t body_buffer = 64 << 10;
  std::size_t spot_output = 16 << 20;  // largest answer of a route on the spot; more breaks it off

  half_close on_half_close = half_close::cancel;  // unless the route says otherwise
  // While a request waits or is worked on, so much of what its client sends is read, that a FIN
  // behind it is heard: for one connection, and for all together. 0: nothing is. A body that no
  // handler is given does not count.
  std::size_t read_ahead = 1 << 20;
  std::size_t read_ahead_total = 64 << 20;

  std::chrono::milliseconds handshake_timeout{10'000};  // of TLS, from the first moment: closed
  std::chrono::milliseconds head_timeout{10'000};  // from the first byte of a head to its end: 408
  std::chrono::milliseconds idle_timeout{60'000};  // between requests: closed
  // How long a client may be waited for with a body (408), or with taking an answer. What it has
  // used of this time it earns again by what it moves: at so many bytes per second (pace.h), so
  // that a byte now and then puts nothing off. A rate of 0: each byte earns all of it.
  std::chrono::milliseconds body_timeout{30'000};
  std::uint64_t body_min_rate = 1024;
  std::chrono::milliseconds write_timeout{30'000};
  std::uint64_t write_min_rate = 1024;
  std::chrono::milliseconds linger_timeout{1'000};  // for the client to close after we have
  // The deadline of a route on the spot that has none of its own: for the body of its request to
  // come, and for the client to take the answer. 0: none.
  std::chrono::milliseconds spot_deadline{30'000};

  // A request whose work has not stopped this long after its context has ended is reported as a
  // late stopper. Zero: none is.
  std::chrono::milliseconds late_after{1'000};

  // A client that vanishes without FIN or RST. Keep-alive finds it while we wait, the user timeout
  // while we send (tcp(7)).
  std::chrono::seconds keepalive_idle{10};
  std::chrono::seconds keepalive_interval{5};
  int keepalive_probes = 3;
  std::chrono::milliseconds user_timeout{30'000};
};

}  // namespace hangup::http
