// One request on its way through the server: what is known of it, its context, and its stamps.
// Belongs to its connection. Not for users.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "context/context.h"
#include "context/early_end.h"
#include "http/clock.h"
#include "http/limit.h"
#include "http/request_life.h"
#include "http/route.h"
#include "http/trace.h"

namespace hangup::http {

// The part of an exchange that travels in the context, and so may outlive the request.
struct request_stamp {
  request_stamp(std::string request_id, trace of, pool::owner by = pool::nobody)
      : id(std::move(request_id)), journey(std::move(of)), client(by) {}
  request_stamp(request_stamp&& other) noexcept  // before it is shared
      : id(std::move(other.id)), journey(std::move(other.journey)), client(other.client) {}

  std::string id;
  trace journey;
  pool::owner client;
  mutable std::atomic<clock::time_point::rep> stopped{0};
};

struct request_key {
  using type = request_stamp;
};

struct exchange {
  // The context exists from the moment the head is whole: its deadline includes the wait for a
  // worker. `patience` is the client's own: it shortens the deadline of the route, and is all of it
  // if the route has none.
  exchange(const context& server, const route& r, request_stamp as, clock::time_point now,
           std::optional<std::chrono::milliseconds> patience, const early_end::type& heard_at);

  // Has its context ended otherwise than by a FIN? A client that has closed only its own direction
  // still reads: what the handler did write for it is sent.
  bool cut_off() const noexcept;
  // Has its deadline passed, or its context ended in another way? If only the clock says so, this
  // ends it: the timer thread may be on its way.
  bool overdue() const noexcept;

  const route& to;
  std::string method;
  std::string target;
  cancelable scope;
  const context ctx;           // what the handler gets: the scope's, with the stamp
  const request_stamp& stamp;  // in ctx
  request_life life;
  const clock::time_point started;
  clock::time_point work_began{};  // unset: it never ran
  clock::time_point work_ended{};  // the handler and what it streams have returned
  std::atomic<bool> late{false};   // reported as a late stopper
  int status = 0;
  limit over = limit::none;  // the bound that it ran into
  std::string broken;        // what went wrong in the handler: for the log, never for the client
};

}  // namespace hangup::http
