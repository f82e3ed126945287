#include "hangup/context/with_task_group.h"

#include <stdexcept>

#include "context/failure.h"

namespace hangup {

awaited_task_group::awaited_task_group(const context& ctx, location made)
    : own_(with_cancel(ctx, made)) {}

void awaited_task_group::must_be_empty(const char* who) const {
  if (running_ > 0) {
    throw std::logic_error(std::string(who) + ": tasks are running");
  }
}

void awaited_task_group::set_limit(int n) {
  must_be_empty("set_limit");
  limit_ = n;
  full() ? room_.reset() : room_.set();
}

void awaited_task_group::report_late(std::string name, late_report how) {
  must_be_empty("report_late");
  name_ = std::move(name);
  late_ = std::move(how);
}

awaited_task_group::outcome awaited_task_group::outcome::of_current_exception() noexcept {
  try {
    throw;
  } catch (const canceled_error& e) {
    return {e.code(), nullptr};
  } catch (...) {
    return {{}, std::current_exception()};
  }
}

std::error_code awaited_task_group::start(std::unique_ptr<member> m) {
  auto refused = own_.ctx.err();
  if (!refused && limit_ == 0) {
    refused = std::make_error_code(std::errc::operation_not_permitted);
  }
  if (refused) {
    note({refused, nullptr}, m->from);
    return refused;
  }
  if (full()) {
    (first_kept_ == nullptr ? first_kept_ : last_kept_->next_kept) = m.get();
    last_kept_ = m.release();
  } else {
    begin(std::move(m));
  }
  look_for_room();
  return {};
}

void awaited_task_group::begin(std::unique_ptr<member> m) noexcept {
  try {
    if (late_.call) {
      m->watch.emplace(own_.ctx, late_, name_, m->from);
    }
    m->start();
    ++running_;
    static_cast<void>(m.release());  // it is deleted when it has returned
  } catch (...) {
    m->watch.reset();
    note(outcome::of_current_exception(), m->from);
  }
}

// On the thread of the group, from its executor.
void awaited_task_group::returned(member& m, const outcome& how) noexcept {
  m.watch.reset();  // if what follows ends the context, the task is not late
  note(how, m.from);
  delete &m;  // what the task has kept is destroyed before the group is over
  --running_;
  look_for_room();
  if (joining_ != nullptr && running_ == 0) {
    joining_->resume();  // the group is destroyed
  }
}

// Starts what is kept, as far as the limit allows.
void awaited_task_group::look_for_room() noexcept {
  while (first_kept_ != nullptr && !full()) {
    std::unique_ptr<member> m(first_kept_);
    first_kept_ = m->next_kept;
    if (own_.ctx.done()) {
      note({own_.ctx.err(), nullptr}, m->from);
    } else {
      begin(std::move(m));
    }
  }
  if (limit_ >= 0) {
    full() ? room_.reset() : room_.set();
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
