// How a server treats its connections. Everything that a stranger can make large, many or slow is
// bounded here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "http/head.h"

namespace hangup::http {

struct options {
  unsigned front_threads = 2;           // threads that read heads and serve routes on the spot
  std::size_t max_connections = 10000;  // one more is answered 503 and closed
  int backlog = 4096;                   // of the listening socket
  head_limits head{};                   // 414, 431
  std::uint64_t max_body = 8 << 20;     // 413
  // A body up to this size is complete before a worker is taken; a larger one is read by the
  // worker.
  std::uint64_t body_buffer = 64 << 10;
  std::size_t spot_output = 16 << 20;  // largest answer of a route on the spot; more breaks it off

  std::chrono::milliseconds head_timeout{10'000};   // from the first byte of a head to its end: 408
  std::chrono::milliseconds idle_timeout{60'000};   // between requests: closed
  std::chrono::milliseconds body_timeout{30'000};   // without a byte of an awaited body: 408
  std::chrono::milliseconds write_timeout{30'000};  // without a byte taken by the client
  std::chrono::milliseconds linger_timeout{1'000};  // for the client to close after we have

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
