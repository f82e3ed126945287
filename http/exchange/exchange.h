// One request on its way through the server: its head, its context, its state and its times. It
// belongs to its connection. Not for users.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "context/early_end.h"
#include "hangup/context/context.h"
#include "hangup/http/clock.h"
#include "hangup/http/limit.h"
#include "hangup/http/route.h"
#include "hangup/http/trace.h"
#include "http/exchange/request_life.h"

namespace hangup::http {

// The part of an exchange that is a value of the context, and so may outlive the request.
struct request_stamp {
  request_stamp(std::string request_id, trace of, pool::owner by = pool::nobody)
      : id(std::move(request_id)), journey(std::move(of)), client(by) {}
  request_stamp(request_stamp&& other) noexcept  // only before it is shared
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
  // Makes the context as soon as the head is complete, so that the deadline includes the time in
  // the queue. `patience` is what the client asked for: the earlier of it and the route's deadline
  // counts.
  exchange(const context& parent, const route& r, request_stamp as, clock::time_point now,
           std::optional<std::chrono::milliseconds> patience, const early_end::type& heard_at);

  // Whether the context has ended for any other reason than a FIN. A client that has closed only
  // its sending direction still reads, so what the handler writes for it is sent.
  bool cut_off() const noexcept;
  // Whether the deadline has passed or the context has ended for another reason. If only the clock
  // shows that the deadline has passed, this ends the context, without waiting for the timer
  // thread.
  bool overdue() const noexcept;

  const route& to;
  std::string method;
  std::string target;
  cancelable scope;
  const context ctx;           // the handler's context: that of `scope`, with the stamp as a value
  const request_stamp& stamp;  // stored in ctx
  request_life life;
  const clock::time_point started;
  clock::time_point work_began{};  // unset: the handler was never called
  clock::time_point work_ended{};  // the handler, and the stream it may have set up, have returned
  std::atomic<bool> late{false};   // reported as a late stopper
  int status = 0;
  limit over = limit::none;  // the limit that the request reached, if any
  std::string broken;        // what went wrong in the handler: for the log, never for the client
};

}  // namespace hangup::http
