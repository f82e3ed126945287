// Everything that happens on a connection from its first byte to its close: it reads and checks
// heads, finds the route, waits for bodies, queues the request for a worker, has it answered, and
// cleans up.
//
//   idle -> reading -> (queued) -> running -> (writing) -> idle ... -> lingering -> closed
//
// Each step runs on the one thread that owns the connection at that time (see connection.h). A
// request that waits for its body, for a worker or for its client to read holds no thread. If a
// step throws, for lack of memory, its connection is closed and no other is affected. Not for
// users.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "hangup/context/late.h"
#include "hangup/context/task.h"
#include "hangup/http/observer.h"
#include "hangup/http/options.h"
#include "hangup/http/route.h"
#include "http/departure/watcher.h"
#include "http/net/event_loops.h"
#include "http/session/connection.h"
#include "http/session/places.h"
#include "http/session/registry.h"

namespace hangup::http {

class handler_run;
struct hosted_rules;

class session_runner final : private connection_owner, private event_loop::driver {
 public:
  // With `hosted`, which must outlive it, another engine answers all requests (http/engine/). The
  // routes for GET, or else that of `hosted`, say on which pool. Throws std::system_error if a
  // thread or a descriptor cannot be made.
  session_runner(const options& how, const route_table& routes, std::vector<observer*> observers,
                 follower* by, std::shared_ptr<const tls_identity> as,
                 const hosted_rules* hosted = nullptr);
  ~session_runner();
  session_runner(const session_runner&) = delete;
  session_runner& operator=(const session_runner&) = delete;

  // Before the loops start: what is asked about any request at all; it must outlive this.
  void guard_all(const guard& with) noexcept { guard_ = &with; }
  event_loops& loops() noexcept { return loops_; }
  // Takes over a connection that somebody else has accepted; non-blocking. Thread-safe.
  void adopt(descriptor socket, peer addresses) noexcept {
    accepted(std::move(socket), std::move(addresses));
  }
  // Changes the certificate for new connections. Only if there has been one from the start.
  void use_tls(std::shared_ptr<const tls_identity> as) noexcept;

  // From now on every answer closes its connection.
  void begin_drain() noexcept { draining_ = true; }
  bool draining() const noexcept { return draining_.load(std::memory_order_relaxed); }
  // Waits until no request is in flight; ctx.err() if the context ends first.
  std::error_code wait_idle(const context& ctx);
  // Ends the context of every request, present and future, with cause `shutdown`.
  void end_all() noexcept;
  // Makes the owner of each connection close it, and waits until all are closed. Returns ctx.err()
  // if the context ends first, because a handler has not returned. Must come after end_all().
  std::error_code close_all(const context& ctx);

  // See server.h.
  void each_in_flight(const std::function<bool(const request_view&)>& look);
  std::optional<request_view> find_in_flight(std::uint64_t number, int at);
  std::size_t end_requests(const std::function<bool(const request_view&)>& which, const cause& why,
                           const asker& by);
  ending end_request(std::uint64_t number, const cause& why, const asker& by);
  found_in_flight follow_oldest(std::size_t most, const std::function<bool(const route&)>& of);
  in_flight_counts count_in_flight(const std::function<bool(const route&)>& of);
  std::size_t in_flight() const noexcept { return in_flight_.load(std::memory_order_relaxed); }
  std::array<std::size_t, phases> connections();

 private:
  using action = http1::action;

  // connection_owner
  void run(connection& c) noexcept override;
  void dropped(connection& c) noexcept override;
  void wake(connection& c) noexcept override;
  cause how_left(connection& c, departure seen) noexcept override;
  bool reserve_read_ahead(std::ptrdiff_t bytes) noexcept override;
  // event_loop::driver
  void accepted(descriptor socket, peer addresses) noexcept override;
  void ready(parkable& c) noexcept override;

  // connections.cpp: how they come and go
  connection* admitted(descriptor socket, peer addresses);
  void greet(connection& c);
  void shake_hands(connection& c);
  void linger(connection& c);
  void drop(connection& c);
  void lingering(connection& c);
  void close(connection& c) noexcept;

  // session_runner.cpp: steps of a connection
  // Calls it, and handles whatever it throws: a step does not throw after it has given up the
  // connection.
  template <class What>
  void step(connection& c, const What& what) noexcept {
    try {
      std::invoke(what, *this, c);
    } catch (...) {
      failed(c);
    }
  }
  void failed(connection& c) noexcept;
  void abandon(connection& c, const char* why) noexcept;
  void look_at(connection& c);
  // Does what the session says, until the connection is parked, handed over or closed.
  void go_on(connection& c, action what);
  void park(connection& c);
  void park(connection& c, phase as, std::chrono::milliseconds patience, bool for_room = false);
  void yield(connection& c) noexcept;
  void tell(limit reached) const noexcept;
  void readable(connection& c);
  void too_late(connection& c);
  void wake_parked(bool only_requests) noexcept;

  // views.cpp
  void wake_asked_to_end();

  // requests.cpp: requests
  void work_on(connection& c);
  void worked(connection& c, action after);
  action begun(connection& c);
  action refused(connection& c);
  bool start(connection& c, action& after);
  std::error_code hand_over(connection& c);
  task<> run_task(connection& c);
  action ended_early(connection& c);
  bool serve(connection& c, bool on_the_spot, action& after);
  bool await_answer(connection& c, action& after);
  action answer_deferred(connection& c);
  action served(connection& c, bool anything, bool whole);
  template <class Run>
  bool work(connection& c, Run& run, bool (Run::*part)());
  action begun_hosted(connection& c);
  void begin(connection& c, const route& to, const request_head& head);
  action answer_without_route(connection& c, const route_table::found& hit);
  action deny(connection& c, const denial& why);
  action answer(connection& c, int status, std::string_view detail, std::string_view headers = {});
  action answered(connection& c, bool anything, bool complete);
  action finished(connection& c);
  action output_ready(connection& c);
  void finish(connection& c) noexcept;
  void tell_late(connection& c, const late_stopper& l) const noexcept;

  const options& how_;
  const route_table& routes_;
  const std::vector<observer*> observers_;
  follower* const follower_;          // null: there is none
  const hosted_rules* const hosted_;  // null: handlers answer
  const guard* guard_ = nullptr;
  const cancelable all_;  // the parent of every connection's context
  std::atomic<bool> draining_{false};
  // Set before parked connections are woken (connection::wake_parked()); who parks one looks at
  // them afterwards.
  std::atomic<bool> ending_{false};   // the contexts of all requests have ended
  std::atomic<bool> closing_{false};  // all connections are to be closed
  std::atomic<std::size_t> in_flight_{0};
  places places_;

  registry all_connections_;
  std::mutex identity_mutex_;
  std::shared_ptr<const tls_identity> identity_;  // null: plain HTTP; guarded by its mutex
  std::atomic<std::ptrdiff_t> ahead_{0};          // bytes read ahead on all connections

  watcher watcher_;
  event_loops loops_;  // last: their threads use all of the above
};

}  // namespace hangup::http
