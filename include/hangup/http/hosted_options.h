// The settings of a hosted server (hosted.h) that its base does not have. Plain values: a copy is
// independent.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "hangup/http/error_page.h"
#include "hangup/http/half_close.h"
#include "hangup/http/httplib.h"

namespace hangup::http {

namespace detail {

// The most threads that the base would have.
inline unsigned threads_of_base() {
  auto most = static_cast<unsigned>(CPPHTTPLIB_THREAD_POOL_COUNT);
#if defined(CPPHTTPLIB_THREAD_POOL_MAX_COUNT)  // from 0.31 on it starts further ones when it is
                                               // busy
  most = std::max(most, static_cast<unsigned>(CPPHTTPLIB_THREAD_POOL_MAX_COUNT));
#endif
  return most;
}

}  // namespace detail

// All of them count from the next listen() on.
struct hosted_options {
  // Threads that handlers run on; they are started when they are needed. As many as the base has at
  // most.
  unsigned workers = detail::threads_of_base();
  unsigned queue = 10'000;                        // requests that may wait for a worker; then 503
  std::chrono::milliseconds deadline{0};          // of each request, from its head on: 504; 0: none
  std::chrono::milliseconds stop_grace{5'000};    // for requests in flight after stop()
  half_close on_half_close = half_close::cancel;  // a client that has closed its own direction
  std::size_t max_connections = 10'000;           // further ones get a 503 and are closed
  std::size_t max_connections_per_address = 0;    // 0: no such limit
  unsigned connection_threads = 2;                // that hear the connections and read heads
  // Connections that may wait to be accepted: the base asks for 5 in some versions, and further
  // ones then need a second to get in. At most net.core.somaxconn.
  int backlog = 1024;
  // Requests for these paths have workers and a queue of their own, so that they are answered while
  // all other workers are busy: {"/health"}. Whole paths, or with one free segment ("/jobs/{id}");
  // whatever the method. Not "/", nor one that does not begin with a slash or is there twice: who
  // is given these options throws std::invalid_argument.
  std::vector<std::string> paths_with_own_workers{};
  unsigned own_workers = 2;
  // The bodies of the answers that hangup makes itself (error_page.h), in place of problems. Those
  // of cpp-httplib are made by its set_error_handler().
  error_maker make_error{};
};

}  // namespace hangup::http
