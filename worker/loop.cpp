#include "hangup/worker/loop.h"

#include <pthread.h>

#include <algorithm>
#include <stdexcept>

#include "context/background_thread.h"
#include "context/short_slice.h"
#include "worker/lane.h"

namespace hangup {
namespace {

class loop_category_type final : public std::error_category {
 public:
  const char* name() const noexcept override { return "loop"; }

  std::string message(int value) const override {
    switch (static_cast<loop_errc>(value)) {
      case loop_errc::full:
        return "the loop has as many tasks as it may have";
      case loop_errc::stopped:
        return "the loop has been stopped";
    }
    return "unknown loop error";
  }
};

// For so long a thread may not have looked at its descriptors, before others listen instead to the
// clients of its sleeping tasks.
constexpr context::clock::duration unheard_after = std::chrono::milliseconds(20);

}  // namespace

const std::error_category& loop_category() noexcept {
  static const loop_category_type instance;
  return instance;
}

struct loop::thread {
  tree::lane lane;
  std::thread self;
  // Used by look() only:
  struct {
    std::uint64_t number = 0;  // that it had the last time
    context::clock::time_point since{};
  } step, looks;
  std::size_t next = 0;  // of the descriptors that it has not looked at
};

loop::loop(loop_options how)
    : how_(std::move(how)),
      late_{how_.late.after, how_.late.call ? [this](const late_stopper& l) {
              {
                const std::lock_guard hold(mutex_);
                l.over ? --stats_.late : ++stats_.late;
              }
              how_.late.call(l);
            } : std::function<void(const late_stopper&)>()},
      all_(with_cancel(background())),
      look_every_(reports_held() ? std::min(how_.held.after, unheard_after) / 2
                                 : unheard_after / 2) {
  if (how_.threads == 0) {
    throw std::invalid_argument("a loop needs at least one thread");
  }
  threads_.reserve(how_.threads);
  try {
    for (unsigned i = 0; i < how_.threads; ++i) {
      auto& t = *threads_.emplace_back(std::make_unique<thread>());
      t.lane.on_wake = [this] { look_soon(look_every_); };
      if (reports_held()) {
        t.lane.on_late_return = [this](location started) { tell_held(started, true); };
      }
    }
    for (auto& t : threads_) {
      const auto failed = tree::make_thread(t->self, [this, &lane = t->lane] {
        ::pthread_setname_np(::pthread_self(), how_.name.substr(0, 15).c_str());
        tree::ask_for_short_slices();
        lane.run();
      });
      if (failed) {
        throw std::system_error(failed, "a thread of the loop \"" + how_.name + '"');
      }
    }
  } catch (...) {
    stop_threads();
    throw;
  }
}

loop::~loop() {
  {
    const std::lock_guard hold(mutex_);
    stopping_ = true;
  }
  all_.cancel({.kind = cause_kind::shutdown});
  {
    std::unique_lock hold(mutex_);
    empty_.wait(hold, [this] { return stats_.tasks == 0; });
  }
  stop_threads();
}

void loop::stop_threads() noexcept {
  for (auto& t : threads_) {
    t->lane.stop();
    if (t->self.joinable()) {
      t->self.join();
    }
  }
  {
    const std::lock_guard hold(look_mutex_);
    look_no_more_ = true;
  }
  look_out_.disarm_and_wait();  // it may be in the middle of its work, and armed again
  look_out_.disarm_and_wait();
}

std::error_code loop::enter(const context& ctx) {
  if (const auto ec = ctx.err()) {
    return ec;
  }
  const std::lock_guard hold(mutex_);
  if (stopping_) {
    return loop_errc::stopped;
  }
  if (how_.max_tasks != 0 && stats_.tasks >= how_.max_tasks) {
    ++stats_.rejected;
    return loop_errc::full;
  }
  ++stats_.tasks;
  return {};
}

void loop::leave() noexcept {
  const std::lock_guard hold(mutex_);
  if (--stats_.tasks == 0 && stopping_) {
    empty_.notify_all();  // under the lock: the loop may be destroyed right after it
  }
}

loop::stats loop::now() const {
  const std::lock_guard hold(mutex_);
  return stats_;
}

bool loop::runs(const location& started) const noexcept {
  return std::any_of(threads_.begin(), threads_.end(),
                     [&](const auto& t) { return t->lane.task() == &started; });
}

void loop::escaped(std::exception_ptr what) const {
  if (how_.on_exception) {
    how_.on_exception(std::move(what));
  } else {
    std::rethrow_exception(what);
  }
}

void loop::spawned::report_if_late(const context& ctx) {
  if (in.of().late_.call) {
    watch.emplace(ctx, in.of().late_, in.of().name(), from);
  }
}

std::error_code spawn(loop& on, const context& ctx, task<> work, location from) {
  if (const auto refused = on.enter(ctx)) {
    return refused;
  }
  auto record = std::make_unique<loop::spawned>(loop::place(on), from);
  record->report_if_late(ctx);
  on.start(*record, std::move(work));
  static_cast<void>(record.release());  // it deletes itself, and may have done so
  return {};
}

void loop::spawned::over() noexcept {
  const std::unique_ptr<spawned> self(this);
  watch.reset();  // the task has returned: the end of its context does not make it late
  try {
    take();
  } catch (const std::system_error& e) {
    if (e.code().category() != context_category()) {
      in.of().escaped(std::current_exception());
    }
  } catch (...) {
    in.of().escaped(std::current_exception());
  }
  destroy_frame();  // before what it may refer to
}

void loop::start(spawned& s, task<> work) {
  tree::lane* on = tree::lane::of_this_thread();
  const bool inside =
      std::any_of(threads_.begin(), threads_.end(), [&](const auto& t) { return &t->lane == on; });
  if (!inside) {
    on = &threads_[turn_.fetch_add(1, std::memory_order_relaxed) % threads_.size()]->lane;
  }
  s.start(*on, std::move(work));
}

// Called on a thread of the loop that is about to run tasks. The timer goes on as long as a thread
// is awake, so that an idle loop wakes nobody.
void loop::look_soon(context::clock::duration after) noexcept {
  if (!looking_.load() && !looking_.exchange(true)) {
    const std::lock_guard hold(look_mutex_);
    if (!look_no_more_) {
      look_out_.arm(later(context::clock::now(), after));
    }
  }
}

void loop::look_out::expire() noexcept {
  of.look();
}

void loop::look() noexcept {
  const auto now = context::clock::now();
  bool all_told = true;
  for (auto& t : threads_) {
    look_for_held(*t, now);
    all_told = look_for_unheard(*t, now) && all_told;
  }
  looking_ = false;
  // A thread that has been woken meanwhile saw that the timer was still armed, or sees now that it
  // is not.
  if (!all_told || std::any_of(threads_.begin(), threads_.end(),
                               [](const auto& t) { return t->lane.awake(); })) {
    look_soon(all_told ? look_every_ : context::clock::duration::zero());
  }
}

void loop::look_for_held(thread& t, context::clock::time_point now) noexcept {
  const auto step = t.lane.step();
  if (step != t.step.number) {
    t.step = {step, now};
  } else if (step != 0 && reports_held() && now - t.step.since >= how_.held.after) {
    const std::lock_guard hold(t.lane.late_mutex());
    if (location started; t.lane.mark_late(step, started)) {
      tell_held(started, false);
    }
  }
}

// Returns false if there are more than can be told at once.
bool loop::look_for_unheard(thread& t, context::clock::time_point now) noexcept {
  const auto looks = t.lane.awake() ? t.lane.looks() : 0;
  if (looks != t.looks.number) {
    t.looks = {looks, now};
    t.next = 0;
  } else if (looks != 0 && now - t.looks.since >= unheard_after) {
    const bool all = t.lane.not_looked_at(t.next);
    t.next = all ? 0 : t.next;
    return all;
  }
  return true;
}

void loop::tell_held(location started, bool over) noexcept {
  {
    const std::lock_guard hold(mutex_);
    over ? --stats_.held : ++stats_.held;
  }
  how_.held.call({.loop = how_.name, .started = started, .over = over});
}

namespace tree {

own_executor::own_executor() : lane_(std::make_unique<lane>()) {}

own_executor::~own_executor() = default;

executor& own_executor::get() noexcept {
  return *lane_;
}

void own_executor::run(const bool& over) noexcept {
  lane_->run(over);
}

}  // namespace tree
}  // namespace hangup
