// What a deferred reply (include/hangup/http/deferred.h) and its connection share. Whoever comes
// first decides: the thread that answers, or the end of the request's context. Either wakes the
// connection, once, if it waits. Thread-safe, except answer(). Not for users.
#pragma once

#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <system_error>

#include "hangup/context/after_func.h"
#include "hangup/context/context.h"
#include "hangup/http/reply.h"

namespace hangup::http {

class deferral {
 public:
  // Both must outlive the wait; the context is kept.
  deferral(const context& ctx, const request& req);

  const context& ctx() const noexcept { return ctx_; }
  // See deferred::send().
  std::error_code send(const std::function<void(reply& res)>& make);

  // For the owner of the connection. Returns true if it has to wait: `wake` is then called once,
  // maybe before this returns, so the connection belongs to another thread.
  bool wait(std::function<void()> wake);
  // After the wait: the answer. Null: the context has ended without one. Rethrows what making it
  // has thrown. Only for the owner of the connection.
  reply* answer();
  // The request is over: whatever is sent from now on is dropped. Returns when no thread calls
  // `wake` any more.
  void close() noexcept;

 private:
  enum class state { waiting, sending, answered, ended };
  struct on_end {
    deferral* self;
    void operator()() const noexcept { self->context_ended(); }
  };

  void context_ended() noexcept;
  void wake_up() noexcept;

  const context ctx_;
  std::mutex mutex_;  // guards the rest
  state state_ = state::waiting;
  std::function<void()> wake_;
  std::optional<reply> reply_;  // while it is sending, only the sender uses it
  std::exception_ptr thrown_;
  after_func<on_end> registration_;  // last: it may call at once
};

}  // namespace hangup::http
