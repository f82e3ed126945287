// What the waits return, for threads and for tasks. How it is used tells who waits:
//
//   std::error_code ec = sleep_for(ctx, 1s);             // the calling thread, here and now
//   std::error_code ec = co_await sleep_for(ctx, 1s);    // a task, which holds no thread meanwhile
//
// It is not the result. So it cannot be kept, and `auto ec = sleep_for(ctx, 1s)` does not give
// anything that could be looked at: name the type, or say sleep_for(ctx, 1s).get(). An object that
// nobody has asked waits in its destructor, so a cast to void waits as well. What a function of a
// select() throws then ends the program, as in every destructor; get() lets it through. (GCC 14
// cannot compile a `co_await` of an object whose destructor may throw.)
//
// `Wait` does the work. It has block(), the wait of a thread, and a type `awaiter` that is made of
// a `Wait&`. Both are used once at most, and not both. An awaiter should be trivially destructible:
// GCC 12 may destroy temporaries of `co_await` expressions in the wrong order.
#pragma once

#include <system_error>
#include <utility>

#pragma GCC visibility push(default)

namespace hangup::tree {

template <class Wait>
class [[nodiscard]] wait_object {
  static constexpr bool never_throws = noexcept(std::declval<Wait&>().block());

 public:
  template <class... Args>
  explicit wait_object(std::in_place_t, Args&&... args) : wait_(std::forward<Args>(args)...) {}
  ~wait_object() {
    if (!asked_) {
      static_cast<void>(wait_.block());
    }
  }
  wait_object(const wait_object&) = delete;
  wait_object& operator=(const wait_object&) = delete;

  // The wait of a thread: waits, and gives the result.
  std::error_code get() && noexcept(never_throws) {
    asked_ = true;
    return wait_.block();
  }
  operator std::error_code() && noexcept(never_throws) { return std::move(*this).get(); }
  explicit operator bool() && noexcept(never_throws) {
    return static_cast<bool>(std::move(*this).get());
  }
  template <class Other>
  friend bool operator==(wait_object&& wait, const Other& other) {
    return std::move(wait).get() == other;
  }

  // Deleted: this would look at the result of a wait that has not happened. Write
  // `std::error_code ec = sleep_for(ctx, 1s)`, not `auto ec = ...`.
  operator std::error_code() const& = delete;
  explicit operator bool() const& = delete;
  std::error_code get() const& = delete;

  // The wait of a task.
  typename Wait::awaiter operator co_await() && {
    asked_ = true;
    return typename Wait::awaiter(wait_);
  }

 private:
  Wait wait_;
  bool asked_ = false;
};

}  // namespace hangup::tree

#pragma GCC visibility pop
