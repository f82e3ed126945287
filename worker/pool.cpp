#include "worker/pool.h"

#include <pthread.h>

#include <algorithm>
#include <stdexcept>

#include "context/background_thread.h"

namespace hangup {
namespace {

using namespace std::chrono_literals;

constexpr unsigned a_crowd = 16;
constexpr auto shortly = 1ms;         // one after the other, who leave in a crowd
constexpr auto crowd_goes_on = 50ms;  // after the last of them

// Has it ended, and not because the work is done?
bool nobody_waits(const context& ctx) {
  return ctx.done() && ctx.cause()->kind != cause_kind::handler_returned;
}

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "pool"; }

  std::string message(int value) const override {
    switch (static_cast<pool_errc>(value)) {
      case pool_errc::full:
        return "the queue of the pool is full";
      case pool_errc::stopped:
        return "the pool has been stopped";
    }
    return "unknown pool error";
  }
};

}  // namespace

const std::error_category& pool_category() noexcept {
  static const category instance;
  return instance;
}

void job::on_end() noexcept {
  if (pool_->drop(*this)) {
    const context last = std::move(ctx_);  // nothing is kept beyond its time
    dropped();                             // may destroy this
  }
}

pool::pool(options how)
    : how_(std::move(how)),
      late_{how_.late.after, how_.late.call ? [this](const late_stopper& l) {
              {
                const std::lock_guard hold(mutex_);
                l.over ? --stats_.late : ++stats_.late;
              }
              how_.late.call(l);
            } : std::function<void(const late_stopper&)>()} {
  if (how_.workers == 0) {
    throw std::invalid_argument("a pool needs at least one worker");
  }
  threads_.reserve(how_.workers);  // post() allocates nothing for a worker but its thread
}

pool::~pool() {
  {
    const std::lock_guard hold(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& t : threads_) {
    t.join();
  }
}

std::error_code pool::post(const context& ctx, job& j, location from) {
  j.pool_ = this;
  j.place_ = job::place::outside;
  j.ctx_ = ctx;
  j.from_ = from;
  // Registered before it is queued: a worker may take it, run it and destroy it as soon as it is.
  // If the context ends in between, the job is marked and not queued.
  j.registration_.emplace(ctx, job::on_end_of{&j});

  std::unique_lock hold(mutex_);
  std::error_code refused;
  if (j.place_ == job::place::dropped) {
    refused = ctx.err();
  } else if (stopping_) {
    refused = pool_errc::stopped;
  } else {
    refused = start_worker();
    if (!refused && stats_.queued >= idle_ + how_.queue) {
      refused = pool_errc::full;
      ++stats_.rejected;
    }
  }
  if (refused) {
    j.place_ = job::place::taken;
    hold.unlock();
    j.registration_.reset();
    const context last = std::move(j.ctx_);
    return refused;
  }
  enqueue(j);
  hold.unlock();
  wake_.notify_one();
  return {};
}

std::error_code pool::post_always(job& j) {
  j.pool_ = this;
  std::unique_lock hold(mutex_);
  if (const auto refused = start_worker()) {
    return refused;
  }
  enqueue(j);
  hold.unlock();
  wake_.notify_one();
  return {};
}

// With the lock held: one more worker if none is free and there may be one.
std::error_code pool::start_worker() {
  if (stats_.queued >= idle_ && threads_.size() < how_.workers) {
    std::thread worker;
    if (const auto failed = tree::make_thread(worker, [this] { work(); }); !failed) {
      threads_.push_back(std::move(worker));
      ++idle_;  // it will be, and is meant for this job
    } else if (threads_.empty()) {
      return failed;
    }  // else the workers that there are will come to it, if there is room
  }
  return {};
}

void pool::enqueue(job& j) noexcept {
  j.place_ = job::place::queued;
  j.prev_ = last_;
  j.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &j;
  last_ = &j;
  ++stats_.queued;
}

void pool::work() {
  ::pthread_setname_np(::pthread_self(), how_.name.substr(0, 15).c_str());
  std::unique_lock hold(mutex_);
  for (;;) {
    wake_.wait(hold, [&] { return first_ != nullptr || stopping_; });
    if (first_ == nullptr) {
      return;
    }
    job& j = next();
    unlink(j);
    j.place_ = job::place::taken;
    --idle_;
    ++stats_.running;
    hold.unlock();
    j.registration_.reset();  // waits if the context is just ending: its hook finds `taken`
    const context ctx = std::move(j.ctx_);
    run(ctx, j);
    hold.lock();
    if (nobody_waits(ctx)) {
      note_left();
    }
    --stats_.running;
    ++idle_;
  }
}

// With the lock held, and something in the queue.
job& pool::next() noexcept {
  // Most of the time there is no crowd, and no need to look at the clock.
  if (crowd_until_ != clock::time_point{} && clock::now() >= crowd_until_) {
    crowd_until_ = {};
  }
  newest_next_ = !newest_next_ && crowd_until_ != clock::time_point{};
  return newest_next_ ? *last_ : *first_;
}

// With the lock held: the context of a job has ended.
void pool::note_left() noexcept {
  const auto now = clock::now();
  left_in_a_row_ = now - std::exchange(left_last_, now) < shortly ? left_in_a_row_ + 1 : 1;
  if (left_in_a_row_ >= a_crowd) {
    crowd_until_ = now + crowd_goes_on;
  }
}

void pool::run(const context& ctx, job& j) {
  std::optional<late_watch> watch;
  if (late_.call) {
    watch.emplace(ctx, late_, how_.name, j.from_);
  }
  j.run();  // may destroy it
}

void pool::unlink(job& j) noexcept {
  (j.prev_ != nullptr ? j.prev_->next_ : first_) = j.next_;
  (j.next_ != nullptr ? j.next_->prev_ : last_) = j.prev_;
  --stats_.queued;
}

bool pool::drop(job& j) noexcept {
  const std::lock_guard hold(mutex_);
  if (j.place_ == job::place::taken || j.place_ == job::place::dropped) {
    return false;
  }
  const bool waited = j.place_ == job::place::queued;
  if (waited) {
    unlink(j);
    ++stats_.dropped;
    note_left();
  }
  j.place_ = job::place::dropped;
  return waited;
}

pool::stats pool::now() const {
  const std::lock_guard hold(mutex_);
  return stats_;
}

void pool::escaped(std::exception_ptr what) const {
  if (how_.on_exception) {
    how_.on_exception(std::move(what));
  } else {
    std::rethrow_exception(what);
  }
}

}  // namespace hangup
