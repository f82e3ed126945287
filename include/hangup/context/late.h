// Late stoppers: work that goes on although its context has ended. Such work wastes threads without
// leaving any trace, so pool and task_group report it, if they are given a limit.
#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "hangup/context/context.h"

#pragma GCC visibility push(default)

namespace hangup {

struct late_stopper {
  std::string_view name;               // of the pool or the task group
  location started;                    // where the work was submitted
  const cause& why;                    // why the context ended
  context::clock::duration since_end;  // how long ago the context ended
  bool over;                           // false: still working; true: has now returned
};

struct late_report {
  context::clock::duration after{};  // since the end of the context; zero: no reports
  // Called on the timer thread when that time has passed, and again, with `over` set, on the thread
  // of the work when the work has returned. Must be short and must not throw.
  std::function<void(const late_stopper&)> call{};
};

// Reports the work that is done during its lifetime if that work is late. Costs one registration
// with the context, and one timer after the context has ended.
class late_watch final : tree::hook, tree::timer {
 public:
  // `report` and `name` must outlive it.
  late_watch(const context& ctx, const late_report& report, std::string_view name,
             location started);
  ~late_watch();
  late_watch(const late_watch&) = delete;
  late_watch& operator=(const late_watch&) = delete;

 private:
  tree::scope* watched() const noexcept;  // null: there is nothing to watch
  void fire() noexcept override;
  void expire() noexcept override;
  void tell(bool over) const;

  const context ctx_;
  const late_report& report_;
  const std::string_view name_;
  const location started_;
  bool late_ = false;  // written on the timer thread; read after disarm_and_wait()
};

}  // namespace hangup

#pragma GCC visibility pop
