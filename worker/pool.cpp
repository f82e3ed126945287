#include "hangup/worker/pool.h"

#include <pthread.h>

#include <algorithm>
#include <stdexcept>

#include "context/background_thread.h"
#include "context/short_slice.h"

namespace hangup {
namespace {

using namespace std::chrono_literals;

constexpr unsigned a_crowd = 16;
constexpr auto shortly = 1ms;  // at most this long after the one before: part of the same crowd
constexpr auto crowd_goes_on = 50ms;  // after the last of them

// Whether the context has ended for another reason than that the work is done.
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
      case pool_errc::share:
        return "the places left in the queue of the pool are reserved for others";
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
    const context last = std::move(ctx_);  // the handle is not kept any longer
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
  // So that post() allocates nothing except when it starts a thread.
  threads_.reserve(std::size_t{how_.workers} + how_.spare_workers);
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

std::error_code pool::post(const context& ctx, job& j, owner whose, location from) {
  j.pool_ = this;
  j.place_ = job::place::outside;
  j.ctx_ = ctx;
  j.from_ = from;
  // The hook is registered before the job is queued, because a worker may take, run and destroy a
  // queued job at any moment. If the context ends in between, the job is marked and is not queued.
  j.registration_.emplace(ctx, job::on_end_of{&j});

  std::unique_lock hold(mutex_);
  auto& line = waiting_.of(whose);
  const auto waiting = waiting_.size() - can_run();
  std::error_code refused;
  if (j.place_ == job::place::dropped) {
    refused = ctx.err();
  } else if (stopping_) {
    refused = pool_errc::stopped;
  } else {
    refused = start_worker(line);
  }
  if (!refused) {
    enqueue(j, line);
    if (waiting_.size() - can_run() > waiting) {  // it has to wait
      refused = no_place(line, waiting);
    }
    if (refused) {
      waiting_.remove(j);
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
  hold.unlock();
  wake_.notify_one();
  return {};
}

std::error_code pool::post_always(job& j) {
  j.pool_ = this;
  std::unique_lock hold(mutex_);
  auto& line = waiting_.of(nobody);
  if (const auto refused = start_worker(line)) {
    return refused;
  }
  enqueue(j, line);
  hold.unlock();
  wake_.notify_one();
  return {};
}

// The lock must be held, as for all functions below. `waiting` jobs wait, and `without_any` of them
// are the first of an owner that has none running. Returns how many of them may run in addition to
// those that are running, given enough threads.
std::size_t pool::may_run(std::size_t waiting, std::size_t without_any) const noexcept {
  const auto running = stats_.running;
  const std::size_t workers = how_.workers;
  const auto ordinary = std::min(waiting, workers - std::min(workers, running));
  // Those within the ordinary number are taken first.
  const auto left = without_any - std::min(without_any, ordinary);
  const auto busy = std::max(running + ordinary, workers);
  return ordinary + std::min(left, workers + how_.spare_workers - busy);
}

// How many of the waiting jobs are about to be taken: for each of them there is a thread that is
// awake.
std::size_t pool::can_run() const noexcept {
  return std::min(may_run(waiting_.size(), waiting_.without_any()),
                  threads_.size() - stats_.running);
}

// Starts another thread if one more job, of this line, could use it.
std::error_code pool::start_worker(const fair_queue::line& for_one_of) {
  const bool its_first = for_one_of.waiting == 0 && for_one_of.running == 0;
  const auto wanted = may_run(waiting_.size() + 1, waiting_.without_any() + (its_first ? 1 : 0));
  if (stats_.running + wanted > threads_.size()) {
    std::thread worker;
    if (const auto failed = tree::make_thread(worker, [this] { work(); }); !failed) {
      threads_.push_back(std::move(worker));
    } else if (threads_.empty()) {
      return failed;
    }  // otherwise the existing workers will run it, if it finds a place in the queue
  }
  return {};
}

// Returns an error if there is no place for one more job that has to wait behind `waiting` others,
// as the last of this line.
std::error_code pool::no_place(const fair_queue::line& of, std::size_t waiting) const noexcept {
  if (waiting < how_.queue) {
    return {};
  }
  const bool any_left = waiting < std::size_t{how_.queue} + how_.spare_queue;
  if (any_left && of.waiting <= how_.spare_queue) {
    return {};
  }
  return any_left && waiting_.lines() > 1 ? pool_errc::share : pool_errc::full;
}

void pool::enqueue(job& j, fair_queue::line& to) noexcept {
  j.place_ = job::place::queued;
  waiting_.push(j, to);
}

// Beyond the ordinary number of workers, only the first job of an owner may be taken.
bool pool::may_take() const noexcept {
  return waiting_.size() > 0 && (stats_.running < how_.workers || waiting_.without_any() > 0);
}

void pool::work() {
  ::pthread_setname_np(::pthread_self(), how_.name.substr(0, 15).c_str());
  tree::ask_for_short_slices();
  std::unique_lock hold(mutex_);
  for (;;) {
    wake_.wait(hold, [this] { return may_take() || (stopping_ && waiting_.size() == 0); });
    if (!may_take()) {
      wake_.notify_all();  // other workers that were not allowed to take what was left
      return;
    }
    job& j = next();
    auto& line = *j.line_;
    j.place_ = job::place::taken;
    ++stats_.running;
    hold.unlock();
    j.registration_.reset();  // waits if the context is just ending; the hook then finds `taken`
    const context ctx = std::move(j.ctx_);
    run(ctx, j);
    hold.lock();
    if (nobody_waits(ctx)) {
      note_left();
    }
    --stats_.running;
    waiting_.over(line);
  }
}

// The queue must hold a job that may be taken.
job& pool::next() noexcept {
  // Usually no crowd is leaving, and the clock need not be read.
  if (crowd_until_ != clock::time_point{} && clock::now() >= crowd_until_) {
    crowd_until_ = {};
  }
  newest_next_ = !newest_next_ && crowd_until_ != clock::time_point{};
  return waiting_.take(newest_next_);
}

// Called when the context of a job has ended.
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

bool pool::drop(job& j) noexcept {
  const std::lock_guard hold(mutex_);
  if (j.place_ == job::place::taken || j.place_ == job::place::dropped) {
    return false;
  }
  const bool waited = j.place_ == job::place::queued;
  if (waited) {
    waiting_.remove(j);
    ++stats_.dropped;
    note_left();
  }
  j.place_ = job::place::dropped;
  return waited;
}

pool::stats pool::now() const {
  const std::lock_guard hold(mutex_);
  auto now = stats_;
  now.queued = waiting_.size();
  return now;
}

std::string pool::why_not(std::error_code refused) const {
  const auto of_this = " the pool \"" + how_.name + "\"";
  if (refused == pool_errc::full) {
    return "the queue of" + of_this + " is full";
  }
  if (refused == pool_errc::share) {
    return "the places left in the queue of" + of_this + " are reserved for other clients";
  }
  if (refused == pool_errc::stopped) {
    return of_this.substr(1) + " has been stopped";
  }
  return of_this.substr(1) + " has no worker and cannot start one";
}

void pool::escaped(std::exception_ptr what) const {
  if (how_.on_exception) {
    how_.on_exception(std::move(what));
  } else {
    std::rethrow_exception(what);
  }
}

}  // namespace hangup
