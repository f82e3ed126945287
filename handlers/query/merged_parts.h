// The parts of one fan-out, with their rows merged into one answer. fanout.h describes the
// behaviour.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "handlers/query/fanout.h"
#include "handlers/query/row_format.h"
#include "hangup/context/channel.h"
#include "hangup/context/event.h"
#include "hangup/context/with_task_group.h"
#include "hangup/http/reply.h"

namespace hangup::query {

// One sub-query.
struct part {
  named_database* from = nullptr;
  const report* what = nullptr;
  arguments with{};
};

// A part that is requested to fail.
struct planned_failure {
  std::size_t part;
  std::chrono::milliseconds after;
};

// For one task, that of the request. The parts are tasks of a group of its own.
class merged_parts {
 public:
  // `say` must outlive this object, as must the pool for the queries that need a thread.
  merged_parts(std::vector<part> all, format as, std::optional<planned_failure> fails,
               fair_semaphore& at_once, pool& blocking, const log_line& say);

  // Starts the parts in order, under a context derived from `ctx`, as places become free; the first
  // already has its place. Sends the head of the answer when it can be sent, and all rows as they
  // arrive. Returns ctx.err() or the writer's error. Throws http::problem_error if a part fails, or
  // cannot be started. All parts have stopped by then. To be called once.
  task<std::error_code> answer(const context& ctx, http::reply& res, permit first);

  // How many parts ended in which way. To be called when that is over.
  std::array<std::size_t, part_ends> ends() const noexcept;

 private:
  struct slot {
    slot(std::size_t n, part p) : number(n), asks(std::move(p)) {}
    const std::size_t number;
    const part asks;
    channel<std::string> pieces{2};  // closed when all pieces but the last have been sent to it
    std::string last{};   // this and `names` are set before the first piece, or the close
    std::string names{};  // CSV: the line of names
    std::optional<part_end> ended{};  // set if the part ended for its own reason
  };
  class rows;

  task<std::error_code> run(const context& ctx, awaited_task_group& parts, http::reply& res,
                            permit& first);
  task<std::error_code> start_all(const context& ctx, awaited_task_group& parts, permit& first);
  task<std::error_code> ask(const context& ctx, slot& s, permit at);
  task<std::error_code> query_it(const context& ctx, slot& s, rows& to, std::string& why);
  std::error_code query_here(const context& ctx, slot& s, rows& to, std::string& why);
  task<std::error_code> fail_later(const context& ctx, slot& s);
  task<std::error_code> pass_on(const context& ctx, const context& of_parts, slot& s,
                                http::reply& res);
  [[noreturn]] void failed(slot& s, int status, const std::string& what) const;
  void begun() noexcept;

  const format format_;
  const std::optional<planned_failure> fails_;
  fair_semaphore& permits_;
  pool& blocking_;
  const log_line& say_;
  std::deque<slot> slots_;
  std::atomic<std::size_t> begun_{0};
  event head_;  // set when the head can be sent
  bool head_sent_ = false;
  bool stopped_ = false;  // the request has ended, or nobody reads its answer any more
};

}  // namespace hangup::query
