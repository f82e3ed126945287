// A pool of workers for work that somebody waits for. Bounded twice: so many threads, so many
// things that wait for one. What nobody waits for any more is never run: the moment its context
// ends, a waiting job is taken out of the queue and its place is free for the next.
//
//   pool queries({.name = "query", .workers = 64, .queue = 1024});
//   auto ec = queries.run(request, [&](const context& ctx) { ask(ctx); });   // waits for it
//   ec = queries.submit(request, [](const context& ctx) { ask(ctx); });      // does not
//
// Threads are started when work arrives and no worker is free, and kept. Jobs run in the order in
// which they were accepted, but for two cases.
//
// They belong to different owners (for a server: its clients). Then the next one is of the owner
// who has fewest running, in turns among those who have as few. This alone does not help against
// one whose jobs hold all workers for long, so that a pool may have spare ones: they, and spare
// places in the queue, are only for owners who have less than others. One owner alone has what
// `workers` and `queue` say, whether there are others or not, and never keeps the others out.
//
// Contexts end in a crowd (a proxy restarts, a thousand clients give up). Then every second one to
// be run is the newest. A crowd leaves in the order in which it came, so the oldest is the next to
// leave, and all of the queue would be started only to be stopped; one that came last stays
// longest. Nothing waits for this, and nobody is passed over twice in a row. (Facebook's adaptive
// LIFO is the same thought: https://queue.acm.org/detail.cfm?id=2839461.)
//
// All functions are thread-safe. Cost of a hand-over: one lock on each side and one wake-up; the
// queue itself allocates nothing.
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

#include "context/after_func.h"
#include "context/context.h"
#include "context/late.h"
#include "worker/fair_queue.h"

namespace hangup {

enum class pool_errc {
  full = 1,  // every worker is busy and the queue is full: rejected at once, try again later
  stopped,   // the pool is being stopped
  share,     // what there is left of the queue is for others: rejected at once
};

const std::error_category& pool_category() noexcept;

inline std::error_code make_error_code(pool_errc e) noexcept {
  return {static_cast<int>(e), pool_category()};
}

class pool;

// Something to run, for callers that bring their own object (a connection that waits for a worker)
// instead of a function. It must stay alive until run() or dropped() is called; exactly one of them
// is, once, if post() has accepted it.
class job {
 public:
  job() = default;
  job(const job&) = delete;
  job& operator=(const job&) = delete;

  // On a worker. The job may be destroyed or posted again from here.
  virtual void run() noexcept = 0;
  // The context ended while it waited: on the thread that ended the context, which it must not
  // block. It has left the queue. It may be destroyed or posted again, also by another thread.
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
  context ctx_ = background();  // from post() until it is taken or dropped, as the next
  location from_{};
  place place_ = place::outside;  // this and the rest: guarded by the pool's mutex
  fair_queue::line* line_ = nullptr;
  job* prev_ = nullptr;
  job* next_ = nullptr;
  std::optional<after_func<on_end_of>> registration_;
};

class pool {
 public:
  // Whose work it is: any number, the same for all that is to have one share.
  using owner = std::uint64_t;
  static constexpr owner nobody = 0;  // an owner like others

  struct options {
    std::string name;
    unsigned workers = 1;  // at least 1
    unsigned queue = 0;    // how many may wait when all workers are busy
    // So many more, for owners who have nothing running when all workers are busy,
    unsigned spare_workers = 0;
    // and so many more places in the queue, for owners who have fewer than so many waiting.
    unsigned spare_queue = 0;
    // What escapes from a submitted function other than canceled_error, which is an end and not an
    // error. Without it such an exception ends the process, as it would in a std::thread.
    std::function<void(std::exception_ptr)> on_exception{};
    late_report late{};  // of jobs that go on after the end of their context
  };
  struct stats {
    std::size_t running = 0;     // jobs on a worker now
    std::size_t queued = 0;      // jobs that wait now
    std::uint64_t rejected = 0;  // since the start: no place in the queue
    std::uint64_t dropped = 0;   // since the start: the context ended in the queue
    std::size_t late = 0;        // of `running`: reported as late stoppers
  };

  explicit pool(options how);
  // Waits for what runs and what waits; end their contexts first to be quick.
  ~pool();
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  // Accepts the job, or says why not: pool_errc::full, pool_errc::share, pool_errc::stopped,
  // ctx.err() if the context has ended already, or the error of the system if there is no worker
  // and no thread for one can be made. With some workers it goes on with those. Never blocks, never
  // throws. What submit() and run() accept is nobody's.
  std::error_code post(const context& ctx, job& j, owner whose = nobody,
                       location from = location::current());

  // Runs `f(ctx)` later; `f` and a handle to the context are kept until then (one allocation).
  template <class F>
  std::error_code submit(const context& ctx, F f, location from = location::current());

  // Runs `f(ctx)` on a worker and waits for it. Returns what post() says if it is never run: in the
  // queue the wait ends with the context. Once `f` runs it is waited for (it uses the caller's
  // stack) and ends by looking at its context. If `f` returns std::error_code that is the result;
  // what it throws is thrown here. Do not call it from a worker of the same pool.
  template <class F>
  std::error_code run(const context& ctx, F&& f, location from = location::current());

  // Why post() has refused a job, in words for whoever wanted it: with the name of the pool, and
  // nothing else of the system's.
  std::string why_not(std::error_code refused) const;

  const std::string& name() const noexcept { return how_.name; }
  unsigned workers() const noexcept { return how_.workers; }  // without the spare ones
  unsigned spare_workers() const noexcept { return how_.spare_workers; }
  stats now() const;

 private:
  friend class job;
  using clock = context::clock;
  template <class F>
  friend class after_func_on;
  std::error_code post_always(job& j);  // beyond the limit of the queue, without a context
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
  const late_report late_;  // how_.late, counted
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  fair_queue waiting_;
  stats stats_;  // but for `queued`
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
      cv.notify_one();  // under the lock: the caller may return and destroy us right after it
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

template <>
struct std::is_error_code_enum<hangup::pool_errc> : std::true_type {};
