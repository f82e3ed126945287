// A region of code that must finish even if its request ends meanwhile: a commit, an audit record,
// the second half of a rename.
//
//   shield region(ctx, std::chrono::seconds(2));
//   write_audit(region.ctx(), record);     // is not affected by the end of ctx
//   return region.leave();                 // reports the end of ctx, if there was one
#pragma once

#include "hangup/context/context.h"

#pragma GCC visibility push(default)

namespace hangup {

class [[nodiscard]] shield {
 public:
  // The region has the values of `outer`, but neither its end nor its deadline. It has its own time
  // limit instead, because work that must finish must not hang either. Two allocations.
  template <class Rep, class Period>
  shield(const context& outer, std::chrono::duration<Rep, Period> at_most,
         location made = location::current())
      : outer_(outer),
        inner_(with_timeout(without_cancel(outer), at_most,
                            {.text = "a region that must finish took too long"}, made)) {}

  // The context to pass to the work of the region. It ends when the region does.
  const context& ctx() const noexcept { return inner_.ctx; }

  // Ends the region and returns outer.err(). The second call only returns outer.err().
  std::error_code leave(location from = location::current()) const noexcept {
    inner_.cancel(from);
    return outer_.err();
  }

 private:
  const context outer_;
  const cancelable inner_;
};

}  // namespace hangup

#pragma GCC visibility pop
