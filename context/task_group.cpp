#include "hangup/context/task_group.h"

#include <optional>
#include <stdexcept>

#include "context/failure.h"
#include "hangup/context/wait.h"

namespace hangup {

task_group::task_group(task_group_options how)
    : name_(std::move(how.name)),
      late_(std::move(how.late)),
      plain_(true),
      own_(with_cancel(background())),
      limit_(how.limit) {}

task_group::task_group(const context& ctx, task_group_options how, location made)
    : name_(std::move(how.name)),
      late_(std::move(how.late)),
      plain_(false),
      own_(with_cancel(ctx, made)),
      limit_(how.limit) {}

task_group::~task_group() {
  own_.cancel({}, {});
  join();
}

void task_group::set_limit(int n) {
  const auto tasks = active_.load(std::memory_order_acquire) - 1;
  if (tasks != 0) {
    throw std::logic_error("set_limit: " + std::to_string(tasks) + " tasks are still running");
  }
  limit_ = n;
}

std::error_code task_group::enter(bool may_wait) {
  if (const auto ec = own_.ctx.err()) {
    return ec;
  }
  if (limit_ >= 0) {
    if (limit_ == 0) {
      return std::make_error_code(std::errc::operation_not_permitted);
    }
    std::unique_lock hold(mutex_);
    if (running_ >= limit_) {
      if (!may_wait) {
        return std::make_error_code(std::errc::resource_unavailable_try_again);
      }
      if (const auto ec = hangup::wait(own_.ctx, room_, hold, [&] { return running_ < limit_; })) {
        return ec;
      }
    }
    if (const auto ec = own_.ctx.err()) {  // the place may have become free because a task failed
      return ec;
    }
    ++running_;
  }
  active_.fetch_add(1, std::memory_order_relaxed);
  return {};
}

void task_group::leave() noexcept {
  if (limit_ >= 0) {
    const std::lock_guard hold(mutex_);
    --running_;
    room_.notify_one();
  }
  if (active_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    const std::lock_guard hold(mutex_);
    joined_ = true;
    over_.notify_one();  // under the lock: the group may be destroyed right after it
  }
}

std::error_code task_group::start(std::unique_ptr<task> t, bool may_wait) {
  auto refused = enter(may_wait);
  if (!refused) {
    refused = tree::start(*t);
    if (!refused) {
      static_cast<void>(t.release());  // it deletes itself
      return {};
    }
    leave();
  }
  if (may_wait) {
    fail(refused, nullptr, t->from);
  }
  return refused;
}

void task_group::task::run() noexcept {
  task_group& g = group;
  std::error_code error;
  std::exception_ptr thrown;
  {
    const std::unique_ptr<task> self(this);
    std::optional<late_watch> watch;
    try {
      if (g.late_.call) {
        watch.emplace(g.own_.ctx, g.late_, g.name_, from);
      }
      error = work();
    } catch (const canceled_error& e) {
      error = e.code();
    } catch (...) {
      thrown = std::current_exception();
    }
    watch.reset();  // the task has returned: if that ends the context, the task is not late
    if (error || thrown) {
      g.fail(error, thrown, from);
    }
  }  // what the task has captured is destroyed before wait() returns
  g.leave();
}

void task_group::task::refuse(std::error_code why) noexcept {
  task_group& g = group;
  {
    const std::unique_ptr<task> self(this);
    g.fail(why, nullptr, from);
  }
  g.leave();
}

void task_group::fail(std::error_code error, const std::exception_ptr& thrown,
                      const location& from) noexcept {
  if (failed_.exchange(true, std::memory_order_acq_rel)) {
    return;
  }
  error_ = error;
  thrown_ = thrown;
  if (!plain_) {
    own_.cancel(sibling_failure(error, thrown), from);
  }
}

void task_group::join() noexcept {
  while (auto* const t = tree::take(this)) {
    t->run();
  }
  if (active_.fetch_sub(1, std::memory_order_acq_rel) != 1) {
    const tree::blocking here;
    std::unique_lock hold(mutex_);
    over_.wait(hold, [this] { return joined_; });
    joined_ = false;
  }
  active_.store(1, std::memory_order_relaxed);
}

std::error_code task_group::wait() {
  join();
  if (!plain_) {
    own_.cancel({}, {});
  }
  if (thrown_) {
    std::rethrow_exception(thrown_);
  }
  return error_;
}

}  // namespace hangup
