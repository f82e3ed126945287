// One who looks at requests while they are in flight: at each step of those that it follows. Unlike
// an observer it is told nothing, and costs nothing but a question, while it does not look. For a
// page that shows what a server does now.
#pragma once

#include <cstdint>
#include <string_view>

#include "hangup/context/cause.h"
#include "hangup/http/clock.h"
#include "hangup/http/request_end.h"
#include "hangup/http/route.h"
#include "hangup/http/trace.h"

#pragma GCC visibility push(default)

namespace hangup::http {

// A request in flight. The strings are as the client sent them; all of it is valid until the call
// returns.
struct request_step {
  std::uint64_t number;
  std::string_view id;
  std::string_view method;
  std::string_view target;
  std::string_view client;
  const route& to;
  // What it does from now on. One whose handler is a task is waiting, not running: it holds no
  // thread but now and then.
  request_state state;
  clock::time_point started;
  const trace* journey;
};

// What a follower wants to be told of a request before it ends.
enum class interest : std::uint8_t {
  none,
  end,   // that its context has ended
  steps  // that, and each state that it enters
};

// The functions must be thread-safe and quick, must not throw, and must not call the server: some
// are called under its locks. They are called on the serving threads, on those that end contexts,
// and on the one that calls server::follow_oldest(), by several at once.
//
// Of one request, the first begins() comes before all else, the states come in their order, and
// nothing comes after observer::ended() or at the same time. But context_ended() and begins() for
// an earlier one may come while enters() has not returned yet, on another thread. If the context
// had ended before the request was followed, context_ended() is called at once, by the thread that
// called begins().
class follower {
 public:
  // Asked for each request that begins. Must be as quick as reading a flag.
  virtual bool looks() const noexcept = 0;
  // While it looks: a request has begun, or is in flight already (`earlier`, see
  // server::follow_oldest()); then it may have been asked about it before, and have wanted less.
  // Later, its report (request_report::followed) has what this returned last.
  virtual interest begins(const request_step&, bool earlier) noexcept = 0;
  virtual void enters(const request_step&) noexcept = 0;
  // Called by the thread that ends the context, at once; the work may go on. That may be the thread
  // of the work itself, which stops only after this call. `wanted`: what begins() has returned.
  virtual void context_ended(const request_step&, const cause&, interest wanted) noexcept = 0;

 protected:
  ~follower() = default;
};

}  // namespace hangup::http

#pragma GCC visibility pop
