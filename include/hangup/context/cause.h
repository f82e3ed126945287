// Why a context ended. `err()` says only whether it was canceled or its deadline passed. `cause()`
// says who or what ended it and when; for kind `caller` it has the caller's own code and text. The
// first cause is kept for ever, and a context that ended because its parent did reports the
// parent's cause.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <system_error>

#include "hangup/context/location.h"

#pragma GCC visibility push(default)

namespace hangup {

// What ended a context. The set is open: each part of a program defines the kinds that it knows, as
// http does with who has left and how (include/hangup/http/causes.h):
//
//   inline constexpr hangup::cause_kind::description out_of_budget_text{"out_of_budget",
//                                                                       "the budget is used up"};
//   inline constexpr hangup::cause_kind out_of_budget{out_of_budget_text};
//
// A kind is the address of its description, so two kinds are equal only if they are the same one.
// It is as cheap to copy and to compare as a pointer.
class cause_kind {
 public:
  struct description {
    std::string_view name;  // for logs and metrics: "out_of_budget"
    std::string_view text;  // for people: "the budget is used up"
  };

  // The description must have static storage duration.
  constexpr explicit cause_kind(const description& what) noexcept : what_(&what) {}

  constexpr std::string_view name() const noexcept { return what_->name; }
  constexpr std::string_view text() const noexcept { return what_->text; }
  friend constexpr bool operator==(cause_kind a, cause_kind b) noexcept {
    return a.what_ == b.what_;
  }

  static const cause_kind caller;            // cancel() was called; `code` and `text` say more
  static const cause_kind deadline;          // the deadline passed
  static const cause_kind shutdown;          // the program or the server is stopping
  static const cause_kind signal;            // the process received a signal; `text` is its name
  static const cause_kind sibling_failed;    // another task of the same group failed
  static const cause_kind handler_returned;  // the function it was made for has returned

 private:
  const description* what_;
};

// The descriptions of the kinds above.
namespace cause_kinds {
inline constexpr cause_kind::description caller{"caller", "canceled"};
inline constexpr cause_kind::description deadline{"deadline", "deadline exceeded"};
inline constexpr cause_kind::description shutdown{"shutdown", "server shutdown"};
inline constexpr cause_kind::description signal{"signal", "signal"};
inline constexpr cause_kind::description sibling_failed{"sibling_failed", "a sibling task failed"};
inline constexpr cause_kind::description handler_returned{"handler_returned", "handler returned"};
}  // namespace cause_kinds

inline constexpr cause_kind cause_kind::caller{cause_kinds::caller};
inline constexpr cause_kind cause_kind::deadline{cause_kinds::deadline};
inline constexpr cause_kind cause_kind::shutdown{cause_kinds::shutdown};
inline constexpr cause_kind cause_kind::signal{cause_kinds::signal};
inline constexpr cause_kind cause_kind::sibling_failed{cause_kinds::sibling_failed};
inline constexpr cause_kind cause_kind::handler_returned{cause_kinds::handler_returned};

struct cause {
  cause_kind kind = cause_kind::caller;
  std::error_code code{};  // the caller's own; empty: simply canceled
  std::string text{};      // the caller's own text; may be empty
  // When the context ended. One case is less exact: for a plain cancel() of a context that nothing
  // depends on and that has no other handle, it is the time of the kernel's last tick (a few
  // milliseconds earlier at most), because reading the clock would double the cost.
  std::chrono::steady_clock::time_point at{};
  location source{};  // where cancel() was called; otherwise, where the context was made
};

// A cause as text for people: "canceled: disk full".
std::string describe(const cause& why);

}  // namespace hangup

#pragma GCC visibility pop
