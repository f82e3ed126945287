// A region that must finish although its request may end meanwhile: a commit, an audit record, the
// second half of a rename.
//
//   shield region(ctx, std::chrono::seconds(2));
//   write_audit(region.ctx(), record);     // does not see the end of ctx
//   return region.leave();                 // from here on it counts again
#pragma once

#include "context/context.h"

namespace hangup {

class [[nodiscard]] shield {
 public:
  // The region has the values of `outer`, not its end and not its deadline, but a time of its own:
  // what must finish must not take for ever either. Two allocations.
  template <class Rep, class Period>
  shield(const context& outer, std::chrono::duration<Rep, Period> at_most,
         location made = location::current())
      : outer_(outer),
        inner_(with_timeout(without_cancel(outer), at_most,
                            {.text = "a region that must finish took too long"}, made)) {}

  // What to hand to the work of the region. Ends with the region.
  const context& ctx() const noexcept { return inner_.ctx; }

  // Ends the region, and returns how `outer` has ended meanwhile. The second call only answers.
  std::error_code leave(location from = location::current()) const noexcept {
    inner_.cancel(from);
    return outer_.err();
  }

 private:
  const context outer_;
  const cancelable inner_;
};

}  // namespace hangup
