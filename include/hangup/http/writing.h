// What reply::write() returns: a task awaits it. Not for users, who only write `co_await`.
#pragma once

#include <coroutine>
#include <string_view>
#include <system_error>
#include <utility>

#include "hangup/context/context.h"
#include "hangup/context/task.h"

namespace hangup::http {

class reply;

class [[nodiscard]] writing {
 public:
  // All of them must exist until it has been awaited.
  writing(reply& to, const context& ctx, std::string_view piece) noexcept
      : to_(to), ctx_(ctx), piece_(piece) {}

  bool await_ready();
  // Result: what that of a task returns, which depends on how the caller is compiled.
  template <tree::task_like P,
            class Result = decltype(std::declval<task<>>().operator co_await().await_suspend(
                std::coroutine_handle<P>()))>
  Result await_suspend(std::coroutine_handle<P> by) {
    return std::move(rest()).operator co_await().await_suspend(by);
  }
  std::error_code await_resume() const noexcept;

 private:
  task<>& rest() const noexcept;

  reply& to_;
  const context& ctx_;
  const std::string_view piece_;
};

}  // namespace hangup::http
