// What request::read() and reply::write() return: a task awaits it. Not for users, who only write
// `co_await`. Mostly there is nothing to wait for. Otherwise the request or the reply has a task
// that does the rest, and that is awaited.
#pragma once

#include <coroutine>
#include <string_view>
#include <system_error>
#include <utility>

#include "hangup/context/context.h"
#include "hangup/context/task.h"

#pragma GCC visibility push(default)

namespace hangup::http {

class request;
class reply;

// Of: the request or the reply. Piece: where to put what is read, or what to write.
template <class Of, class Piece>
class [[nodiscard]] piece_wait {
 public:
  // All of them must exist until it has been awaited.
  piece_wait(Of& of, const context& ctx, Piece piece) noexcept
      : of_(of), ctx_(ctx), piece_(piece) {}

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

  Of& of_;
  const context& ctx_;
  const Piece piece_;
};

using read_wait = piece_wait<request, std::string_view&>;
using write_wait = piece_wait<reply, std::string_view>;

template <>
bool read_wait::await_ready();
template <>
task<>& read_wait::rest() const noexcept;
template <>
std::error_code read_wait::await_resume() const noexcept;
template <>
bool write_wait::await_ready();
template <>
task<>& write_wait::rest() const noexcept;
template <>
std::error_code write_wait::await_resume() const noexcept;

}  // namespace hangup::http

#pragma GCC visibility pop
