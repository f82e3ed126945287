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
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "hangup/context/late.h"
#include "hangup/http/observer.h"
#include "hangup/http/options.h"
#include "hangup/http/route.h"
#include "http/departure/watcher.h"
#include "http/net/front.h"
#include "http/net/last_call.h"

namespace hangup::http {

class turn;

class service final : private connection_owner, private front::driver {
 public:
  // Throws std::system_error if a thread or a descriptor cannot be made.
  service(const options& how, const route_table& routes, std::vector<observer*> observers,
          std::shared_ptr<const tls_identity> as);
  ~service();
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  front& door() noexcept { return front_; }
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
  std::size_t in_flight() const noexcept { return in_flight_.load(std::memory_order_relaxed); }
  std::array<std::size_t, phases> connections();

 private:
  // Drop: the client has left, so close without lingering.
  enum class then { next, close, drop, parked };

  // connection_owner
  void run(connection& c) noexcept override;
  void dropped(connection& c) noexcept override;
  void overdue(connection& c) noexcept override;
  cause how_left(connection& c, departure seen) noexcept override;
  bool may_keep(std::ptrdiff_t bytes) noexcept override;
  // front::driver
  void accepted(descriptor socket, peer ends) noexcept override;
  void ready(connection& c) noexcept override;

  // service.cpp: connections
  void step(connection& c, void (service::*what)(connection&)) noexcept;
  void abandon(connection& c, const char* why) noexcept;
  void look_at(connection& c);
  void go_on(connection& c, then what);
  connection* admitted(descriptor socket, peer ends);
  bool admit(connection& c) noexcept;
  void greet(connection& c);
  void park(connection& c, phase as, std::chrono::milliseconds patience, bool for_room = false);
  void yield(connection& c) noexcept;
  void shake_hands(connection& c);
  void tell(limit reached) const noexcept;
  void readable(connection& c);
  void too_late(connection& c);
  void linger(connection& c);
  void drop(connection& c);
  void lingering(connection& c);
  void close(connection& c) noexcept;
  void wake_parked(bool only_requests) noexcept;

  // views.cpp: iterations over all connections. When a connection is closed, every `at` that points
  // to it moves on.
  struct pass {
    connection* at = nullptr;
    pass* next = nullptr;
  };
  template <class Look, class Between>
  void each_connection(const Look& look, const Between& between);

  // requests.cpp: requests
  void work_on(connection& c);
  then next(connection& c);
  then received(connection& c, const request_head& head);
  then body_arrived(connection& c);
  then start(connection& c);
  then settle_unstarted(connection& c);
  then serve(connection& c, bool on_the_spot);
  then await_answer(connection& c);
  then answer_deferred(connection& c);
  then served(connection& c, const turn& t, bool whole);
  bool work(connection& c, turn& t, bool (turn::*part)());
  void begin(connection& c, const route& to, const request_head& head);
  then answer(connection& c, int status, std::string_view detail, std::string_view headers = {});
  then answered(connection& c);
  then output_ready(connection& c);
  void finish(connection& c) noexcept;
  void tell_late(connection& c, const late_stopper& l) const noexcept;
  void report(const connection& c, request_end end, const cause* why,
              clock::time_point now) const noexcept;
  bool discard_rest(connection& c);

  const options& how_;
  const route_table& routes_;
  const std::vector<observer*> observers_;
  const cancelable all_;  // the parent of every request's context
  std::atomic<bool> draining_{false};
  // A connection is parked with rest(), and parked connections are woken after make(). There are
  // two calls: that the contexts of all requests have ended, and that all connections are to be
  // closed.
  last_call ending_;
  last_call closing_;
  std::atomic<std::size_t> in_flight_{0};

  std::mutex lot_;
  // Signalled when there are fewer requests or connections: for a drain.
  std::condition_variable_any changed_;
  connection* first_ = nullptr;  // all connections, guarded by lot_
  pass* passes_ = nullptr;       // guarded by lot_
  std::size_t count_ = 0;        // guarded by lot_, as the rest here
  std::size_t refused_ = 0;      // how many of these are only accepted to be sent a 503
  std::unordered_map<std::string, std::size_t> by_address_;  // used if there is a limit per address
  std::shared_ptr<const tls_identity> identity_;             // null: plain TCP
  std::atomic<std::ptrdiff_t> ahead_{0};                     // bytes read ahead on all connections

  watcher watcher_;
  front front_;  // last: its threads use all of the above
};

}  // namespace hangup::http
