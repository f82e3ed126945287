// A pool of worker threads for the work of requests. The number of threads is bounded, and so is
// the number of jobs that may wait for one. A job whose context ends while it waits is removed from
// the queue at once and never run; its place is free for the next job.
//
//   pool queries({.name = "query", .workers = 64, .queue = 1024});
//   auto ec = queries.run(request, [&](const context& ctx) { ask(ctx); });   // waits for it
//   ec = queries.submit(request, [](const context& ctx) { ask(ctx); });      // does not
//
// Threads are started when a job arrives and no worker is free; they are kept until the pool is
// destroyed. Jobs run in the order in which they were accepted, with two exceptions.
//
// First, jobs may belong to different owners (in a server: its clients). The next job is then taken
// from the owner that has the fewest jobs running; owners that have equally few take turns. That
// alone does not help against an owner whose jobs occupy all workers for long. So a pool may have
// spare workers and spare places in the queue, which are only for owners that have less than the
// others. A single owner gets what `workers` and `queue` say, whether or not there are other
// owners, and can never use up what is reserved for the others.
//
// Second, many contexts may end at nearly the same time (a proxy restarts, a thousand clients give
// up). Then every second job that is run is the newest. Such clients give up in the order in which
// they came, so the oldest job is the next whose context ends: if jobs were run in order, all of
// them would be started only to be stopped at once. The job that came last has the most time left.
// No job is delayed to wait for this, and no job is passed over twice in a row. (Facebook's
// adaptive LIFO uses the same idea: https://queue.acm.org/detail.cfm?id=2839461.)
//
// All functions are thread-safe. Handing over a job costs one lock on each side and one wake-up;
// the queue itself allocates nothing.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "hangup/context/after_func.h"
#include "hangup/context/context.h"
#include "hangup/context/late.h"
#include "hangup/worker/detail/fair_queue.h"

#pragma GCC visibility push(default)

namespace hangup {

enum class pool_errc {
  full = 1,  // every worker is busy and the queue is full: rejected at once, try again later
  stopped,   // the pool is being stopped
  share,     // the places that are left are reserved for other owners: rejected at once
};

const std::error_category& pool_category() noexcept;

inline std::error_code make_error_code(pool_errc e) noexcept {
  return {static_cast<int>(e), pool_category()};
}

class pool;

// Something to run, for callers that have an object of their own (a connection that waits for a
// worker) rather than a function. If post() accepts it, either run() or dropped() is called, once.
// The job must exist until then.
class job {
 public:
  job() = default;
  job(const job&) = delete;
  job& operator=(const job&) = delete;

  // Called on a worker. The job may destroy itself or be posted again from here.
  virtual void run() noexcept = 0;
  // Called if the context ends while the job waits, on the thread that ends the context, which it
  // must not block. The job has already left the queue. It may destroy itself, or be posted again,
  // also by another thread.
  virtual void dropped() noexcept = 0;

 protected:
  ~job() = default;

 private:
  friend class pool;
  friend class fair_queue;
  void on_end() noexcept;

  struct on_end_of {
    job* self;
    void operator()() const noexcept { self->on_end(); }
  };
  enum class place { outside, queued, taken, dropped };

  pool* pool_ = nullptr;
  context ctx_ = background();  // from post() until it is taken or dropped; so is the next
  location from_{};
  place place_ = place::outside;  // this and the following: guarded by the pool's mutex
  fair_queue::line* line_ = nullptr;
  job* prev_ = nullptr;
  job* next_ = nullptr;
  std::optional<after_func<on_end_of>> registration_;
};

class pool {
 public:
  // Identifies the owner of a job: any number. Jobs with the same number share what one owner gets.
  using owner = std::uint64_t;
  static constexpr owner nobody = 0;  // the default; treated like any other owner

  struct options {
    std::string name{};
    unsigned workers = 1;  // at least 1
    unsigned queue = 0;    // how many jobs may wait when all workers are busy
    // Additional workers, for owners that have no job running when all other workers are busy.
    unsigned spare_workers = 0;
    // Additional places in the queue, for owners that have fewer than this number of jobs waiting.
    unsigned spare_queue = 0;
    // Called with any exception that a submitted function throws, except canceled_error, which is
    // not an error. If it is not set, such an exception terminates the process, as in a
    // std::thread.
    std::function<void(std::exception_ptr)> on_exception{};
    late_report late{};  // reports jobs that go on after their context has ended
  };
  struct stats {
    std::size_t running = 0;     // jobs on a worker now
    std::size_t queued = 0;      // jobs waiting now
    std::uint64_t rejected = 0;  // since the start: there was no place in the queue
    std::uint64_t dropped = 0;   // since the start: the context ended in the queue
    std::size_t late = 0;        // of `running`: reported as late stoppers
  };

  // Throws std::invalid_argument if there are no workers.
  explicit pool(options how);
  // Waits for all jobs that are running or waiting. To make it quick, end their contexts first.
  ~pool();
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  // Accepts the job, or returns why not: pool_errc::full, pool_errc::share, pool_errc::stopped,
  // ctx.err() if the context has already ended, or the error of the system if there is no worker
  // and no thread can be started. (If there are some workers, those are used.) Never blocks, never
  // throws. Jobs of submit() and run() belong to the owner `nobody`.
  std::error_code post(const context& ctx, job& j, owner whose = nobody,
                       location from = location::current());

  // Runs `f(ctx)` later. One allocation holds `f` and a handle to the context until then. Returns
  // what post() returns.
  template <class F>
  std::error_code submit(const context& ctx, F f, location from = location::current());

  // Runs `f(ctx)` on a worker and waits for it. If `f` returns std::error_code, that is the result;
  // an exception that it throws is rethrown here. If `f` is not run, the result is what post()
  // returned, or ctx.err() when the context has ended in the queue. Once `f` is running, run()
  // waits for it to return, since `f` may use the caller's stack; `f` must check its context to end
  // early. Must not be called from a worker of the same pool.
  template <class F>
  std::error_code run(const context& ctx, F&& f, location from = location::current());

  // Why post() refused a job, as a sentence for the client. It contains the name of the pool and no
  // other detail of the system.
  std::string why_not(std::error_code refused) const;

  const std::string& name() const noexcept { return how_.name; }
  unsigned workers() const noexcept { return how_.workers; }  // without the spare workers
  unsigned spare_workers() const noexcept { return how_.spare_workers; }
  unsigned queue() const noexcept { return how_.queue; }  // without the spare places
  stats now() const;

 private:
  friend class job;
  using clock = context::clock;
  template <class F>
  friend class after_func_on;
  std::error_code post_always(job& j);  // ignores the limit of the queue; has no context
  std::size_t may_run(std::size_t waiting, std::size_t without_any) const noexcept;
  std::size_t can_run() const noexcept;
  std::error_code start_worker(const fair_queue::line& for_one_of);
  std::error_code no_place(const fair_queue::line& of, std::size_t waiting) const noexcept;
  void enqueue(job& j, fair_queue::line& to) noexcept;
  bool may_take() const noexcept;
  job& next() noexcept;
  void run(const context& ctx, job& j);
  void work();
  bool drop(job& j) noexcept;
  void note_left() noexcept;
  void escaped(std::exception_ptr what) const;

  const options how_;
  const late_report late_;  // how_.late, and counts late stoppers
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  fair_queue waiting_;
  stats stats_;  // except `queued`
  bool stopping_ = false;
  unsigned left_in_a_row_ = 0;  // jobs whose contexts have ended, each shortly after the one before
  clock::time_point left_last_{};
  clock::time_point crowd_until_{};
  bool newest_next_ = false;
  std::vector<std::thread> threads_;
};

template <class F>
std::error_code pool::submit(const context& ctx, F f, location from) {
  struct task final : job {
    task(pool& p, const context& c, F fn) : owner(p), ctx(c), f(std::move(fn)) {}
    void run() noexcept override {
      const std::unique_ptr<task> self(this);
      try {
        f(std::as_const(ctx));
      } catch (const canceled_error&) {
      } catch (...) {
        owner.escaped(std::current_exception());
      }
    }
    void dropped() noexcept override { delete this; }
    pool& owner;
    const context ctx;
    F f;
  };
  auto t = std::make_unique<task>(*this, ctx, std::move(f));
  const auto ec = post(ctx, *t, nobody, from);
  if (!ec) {
    static_cast<void>(t.release());  // it deletes itself
  }
  return ec;
}

template <class F>
std::error_code pool::run(const context& ctx, F&& f, location from) {
  struct call final : job {
    call(const context& c, F& fn) : ctx(c), f(fn) {}
    void run() noexcept override {
      try {
        if constexpr (std::is_convertible_v<std::invoke_result_t<F&, const context&>,
                                            std::error_code>) {
          result = f(ctx);
        } else {
          f(ctx);
        }
      } catch (...) {
        thrown = std::current_exception();
      }
      finish();
    }
    void dropped() noexcept override {
      result = ctx.err();
      finish();
    }
    void finish() noexcept {
      const std::lock_guard hold(mutex);
      over = true;
      cv.notify_one();  // under the lock: the caller may return and destroy this right after it
    }
    const context& ctx;
    F& f;
    std::error_code result;
    std::exception_ptr thrown;
    std::mutex mutex;
    std::condition_variable cv;
    bool over = false;
  };
  call c(ctx, f);
  if (const auto ec = post(ctx, c, nobody, from)) {
    return ec;
  }
  std::unique_lock hold(c.mutex);
  c.cv.wait(hold, [&] { return c.over; });
  hold.unlock();
  if (c.thrown) {
    std::rethrow_exception(c.thrown);
  }
  return c.result;
}

}  // namespace hangup

#pragma GCC visibility pop

template <>
struct std::is_error_code_enum<hangup::pool_errc> : std::true_type {};
