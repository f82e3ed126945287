// The implementation of the store: the jobs, and the container that holds them. Not for users.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>

#include "handlers/jobs/store.h"
#include "hangup/context/detail/timer.h"
#include "hangup/context/event.h"
#include "hangup/context/late.h"
#include "worker/shares.h"

namespace hangup::jobs {

using clock = context::clock;

class store::entry final : public job {
 public:
  // The table's lock must be held.
  entry(table& owner, const context& request, new_job what, result::account bytes);

  void run() noexcept override;
  void dropped() noexcept override;

  const context& ctx() const noexcept { return scope_.ctx; }
  pool::owner whose() const noexcept { return whose_; }
  void cancel(cause why) const noexcept { scope_.cancel(std::move(why)); }
  view look() const;  // the table's lock must be held

 private:
  void work_on(std::error_code& ec, std::string& why);
  void end(std::error_code ec, const std::string& why) noexcept;
  // Logs a line that `text` makes. If there is no memory for it, the line is dropped and counted,
  // and the job goes on.
  template <class Text>
  void tell(bool wrong, const Text& text) const noexcept;
  void tell_late(const late_stopper& l) const noexcept;

  table& table_;
  new_job what_;
  const pool::owner whose_;
  const std::string origin_;
  const cancelable scope_;
  const clock::time_point accepted_ = clock::now();
  bool began_ = false;  // used by the thread that runs the job

 public:
  const std::shared_ptr<result> made;
  std::shared_ptr<entry> self;  // keeps the entry alive while the pool has it
  // Guarded by the table's mutex, except for members that never change.
  view seen;
  clock::time_point expires{};
  std::list<entry*>::iterator place_over{};
  // A list node for over_, so that adding the entry there allocates nothing.
  std::list<entry*> when_over{this};
  bool is_listed_over = false;
  event over;  // set when it is over
};

// All jobs, and what they need of the store when they begin and end.
class store::table {
 public:
  explicit table(options o)
      : how(std::move(o)),
        room(std::make_shared<result::room>(how.total_bytes, how.spare_bytes)),
        places_({.ordinary = how.jobs, .spare = how.spare_jobs, .little = how.spare_jobs}) {}
  ~table() { timer_.disarm_and_wait(); }
  table(const table&) = delete;
  table& operator=(const table&) = delete;

  // The lock must be held, also for the functions below.
  refusal refused(pool::owner whose, std::string& detail) const;
  std::size_t bytes_held(pool::owner whose) const;
  result::account bytes_of(pool::owner whose);
  std::chrono::seconds until_room() const;
  void let_go(pool::owner whose) noexcept;
  void add(const std::shared_ptr<entry>& e);  // if it throws std::bad_alloc, nothing was added
  std::shared_ptr<entry> find(std::string_view id) const;
  std::shared_ptr<entry> remove(entry& e);
  void becomes(entry& e, state as) noexcept;
  void over(entry& e);
  void is_not_active_any_more(entry& e) noexcept;  // those that wait for its end go on

  void forget_expired() noexcept;  // takes the lock
  std::error_code wait_none(const context& ctx);

  const options how;
  const std::shared_ptr<result::room> room;
  std::mutex mutex;
  std::condition_variable_any changed;  // signalled when fewer jobs are active
  std::map<std::uint64_t, std::shared_ptr<entry>, std::greater<>> all;  // by number, newest first
  std::uint64_t last_number = 0;
  std::size_t active = 0;
  bool stopping = false;
  stats counts;  // without `bytes` and the late stoppers
  std::atomic<std::size_t> late{0};
  std::atomic<std::uint64_t> late_total{0};

 private:
  struct forget final : tree::timer {
    explicit forget(table& s) : of(s) {}
    void expire() noexcept override { of.forget_expired(); }
    table& of;
  };

  shares places_;
  // The keys are views into the entries.
  std::unordered_map<std::string_view, std::shared_ptr<entry>> by_id_;
  std::unordered_map<pool::owner, result::account> bytes_;  // of clients that have jobs
  std::list<entry*> over_;  // those that have ended, the oldest end first
  forget timer_{*this};
};

}  // namespace hangup::jobs
