// Late stoppers: work that goes on although its context has ended. The worst leak is the one that
// never logs, so pool and task_group report it when they are told how long is too long.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "context/context.h"

namespace hangup {

struct late_stopper {
  std::string_view name;               // of the pool or the group
  location started;                    // where the work was handed over
  const cause& why;                    // why its context ended
  context::clock::duration since_end;  // how long ago, at the time of this report
  bool over;                           // false: it still works; true: it has returned at last
};

struct late_report {
  context::clock::duration after{};  // after the end of the context; zero: nothing is reported
  // Called when the time has passed, on the timer thread, and a second time (`over`) when the work
  // has returned, on its own thread. Must be short, must not throw.
  std::function<void(const late_stopper&)> call{};
};

// Watches over the work that is done while it lives. Costs one registration, and a timer from the
// end of the context on.
class late_watch final : tree::hook, tree::timer {
 public:
  // `report` and `name` must outlive it.
  late_watch(const context& ctx, const late_report& report, std::string_view name,
             location started);
  ~late_watch();
  late_watch(const late_watch&) = delete;
  late_watch& operator=(const late_watch&) = delete;

 private:
  tree::scope* watched() const noexcept;  // null: nothing to watch
  void fire() noexcept override;
  void expire() noexcept override;
  void tell(bool over) const;

  const context ctx_;
  const late_report& report_;
  const std::string_view name_;
  const location started_;
  bool late_ = false;  // written on the timer thread, read after it has been waited for
};

}  // namespace hangup
