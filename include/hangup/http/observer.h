// What the server reports about its requests. The server itself neither logs nor counts: a
// program's log and its metrics are observers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hangup/context/cause.h"
#include "hangup/http/clock.h"
#include "hangup/http/follower.h"
#include "hangup/http/limit.h"
#include "hangup/http/request_end.h"
#include "hangup/http/route.h"
#include "hangup/http/trace.h"

#pragma GCC visibility push(default)

namespace hangup::http {

// A duration in milliseconds, as logs and pages show it.
inline double ms(clock::duration d) noexcept {
  return std::chrono::duration<double, std::milli>(d).count();
}

// Who has asked that a request ends (server::end_request), as the program says: both texts are its
// own, and the server only keeps a copy until the request is over. They may be empty. What prints
// reports prints them as they are, so they must have no control characters.
struct asker {
  // The id of the request by which it was asked (request_id()): that is the asking client's own.
  std::string request;
  // The asking client: its address and port, as in request_report::client ("127.0.0.1:50312"). If
  // another server has handed the question on, what that says of its client, and its own address:
  // "10.0.0.9:50312 through 10.0.0.2:33900".
  std::string client;
};

// A request that has ended. The strings are as the client sent them, so escape them before
// printing. They are valid until the call returns.
struct request_report {
  std::string_view id;
  std::string_view method;
  std::string_view target;
  std::string_view client;  // "127.0.0.1:50312"
  const route& to;
  request_end end;
  std::string cause{};  // as text; empty if the context had not ended
  int status = 0;       // the status sent; 0: none; 499 (never sent): the client left first
  clock::time_point started{};
  std::optional<clock::time_point> work_began{};  // empty: the handler was never called
  // Empty: it was answered before its context ended.
  std::optional<clock::time_point> context_ended{};
  // When the work noticed the end, if it was running.
  std::optional<clock::time_point> work_stopped{};
  std::optional<clock::time_point> work_ended{};  // when the handler had returned
  clock::time_point ended{};
  std::string_view broken{};  // what the handler threw; for the log only
  const trace* journey = nullptr;
  // 1, 2 ... in the order in which the heads of requests were complete; no two in a process have
  // the same. Ids are the clients' own and need not be different.
  std::uint64_t number = 0;
  // Of the end; null: nobody has asked for it, or the answer was complete all the same.
  const asker* by = nullptr;
  interest followed = interest::none;
  // How long the handler would have taken in all, as it says by work_expected(), and at most until
  // its deadline.
  std::optional<clock::duration> expected{};
  std::optional<clock::time_point> deadline{};  // of its context
};

// Work that is still going on `since` after the context of its request ended.
struct late_request {
  std::string_view id;
  std::string_view method;
  std::string_view target;
  std::string_view client;
  const route& to;
  std::string cause;
  clock::duration since;
  bool over;  // false: it is still going on; true: it has now stopped
  const trace* journey = nullptr;
  std::uint64_t number = 0;
  clock::time_point started{};
  cause_kind kind = cause_kind::caller;  // of the cause
};

// The functions are called on the serving threads, by several at once. They must be thread-safe and
// quick, and must not throw.
class observer {
 public:
  // A limit has been reached. limit::read_ahead is reported at most once per request.
  virtual void reached(limit) noexcept {}
  virtual void began(const route&) noexcept {}
  // Called on the timer thread when the work is late by options::late_after, and again when it has
  // stopped.
  virtual void late(const late_request&) noexcept {}
  virtual void ended(const request_report&) noexcept {}

 protected:
  ~observer() = default;
};

// A request in flight, for operators' pages.
struct request_view {
  std::string id;
  std::string method;
  std::string target;            // the first 256 bytes at most
  std::size_t target_bytes = 0;  // the length of the whole target
  std::string client;
  const route* to;
  request_state state;
  bool late;  // reported as a late stopper: see observer::late
  std::string cause;
  clock::time_point started;
  // Set: the context has ended, but the work has not.
  std::optional<clock::time_point> context_ended;
  std::uint64_t number = 0;
  std::string trace_id{};
  int connection = -1;  // only for server::find_in_flight()
};

// What server::follow_oldest() has found.
struct found_in_flight {
  std::vector<request_view> oldest;    // in no order
  std::vector<std::uint64_t> numbers;  // of all of these routes, the lowest first
};

// How many requests are in flight, by what they do.
struct in_flight_counts {
  std::size_t received = 0;
  std::size_t queued = 0;
  std::size_t running = 0;
  std::size_t waiting = 0;  // also tasks that run just now: see request_step::state
  std::size_t writing = 0;
  std::size_t stopping = 0;  // the context has ended and the work has not; not counted above
};

// What a connection is doing, for operators.
// Waiting: as request_state::waiting.
enum class phase : std::uint8_t {
  shaking,
  idle,
  reading,
  queued,
  running,
  waiting,
  writing,
  lingering
};
inline constexpr int phases = 8;
std::string_view name(phase p) noexcept;

}  // namespace hangup::http

#pragma GCC visibility pop
