#include "hangup/context/with_task_group.h"

#include <limits>

#include "context/failure.h"
#include "hangup/context/channel.h"

namespace hangup {
namespace {

std::size_t places_for(int limit) noexcept {
  if (limit < 0) {
    return std::numeric_limits<std::size_t>::max();
  }
  return limit == 0 ? 1 : static_cast<std::size_t>(limit);
}

}  // namespace

awaited_task_group::awaited_task_group(const context& ctx, task_group_options how, location made)
    : how_(std::move(how)), own_(with_cancel(ctx, made)), running_(places_for(how_.limit)) {
  if (how_.limit == 0) {
    running_.close();  // nothing can be started
  }
}

// Its place has been taken.
void awaited_task_group::start(std::unique_ptr<member>& m) {
  try {
    if (how_.late.call) {
      m->watch.emplace(own_.ctx, how_.late, how_.name, m->from);
    }
    m->start();
    static_cast<void>(m.release());  // it deletes itself
  } catch (...) {
    m.reset();
    leave();
    throw;
  }
}

std::error_code awaited_task_group::starting::finish(std::error_code result, std::size_t) {
  awaited_task_group& group = member_->group;
  if (!result && group.ctx().done()) {  // the place may have become free because a task failed
    group.leave();
    result = group.ctx().err();
  }
  if (result == channel_errc::closed) {
    result = std::make_error_code(std::errc::operation_not_permitted);
  }
  if (result) {
    group.note({result, nullptr}, member_->from);
    return result;
  }
  group.start(member_);
  return {};
}

bool awaited_task_group::try_start(std::unique_ptr<member> m) {
  place mine(running_, channels::way::in);
  if (own_.ctx.done() || channels::ring::try_now(mine)) {
    return false;
  }
  start(m);
  return true;
}

// On the thread of the group, from its executor.
void awaited_task_group::returned(member& m, const outcome& how) noexcept {
  m.watch.reset();  // if what follows ends the context, the task is not late
  note(how, m.from);
  delete &m;  // what the task has kept is destroyed before the group is over
  leave();
}

void awaited_task_group::leave() noexcept {
  place mine(running_, channels::way::out);
  static_cast<void>(channels::ring::try_now(mine));
  if (joining_ != nullptr && running_.size() == 0) {
    joining_->resume();  // the group is destroyed
  }
}

void awaited_task_group::note(const outcome& how, const location& from) noexcept {
  if ((how.error || how.thrown) && !first_failure_.error && !first_failure_.thrown) {
    first_failure_ = how;
    own_.cancel(sibling_failure(how.error, how.thrown), from);
  }
}

std::error_code awaited_task_group::result() const {
  if (first_failure_.thrown) {
    std::rethrow_exception(first_failure_.thrown);
  }
  return first_failure_.error;
}

}  // namespace hangup
