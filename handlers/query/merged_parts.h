// The parts of one fan-out, with their rows merged into one answer. fanout.h describes the
// behaviour.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "handlers/query/fanout.h"
#include "handlers/query/row_format.h"
#include "hangup/context/channel.h"
#include "hangup/context/task_group.h"
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

// For one thread, that of the request.
class merged_parts {
 public:
  // Starts the parts in order, under a context derived from `ctx`, as places become free; the first
  // already has its place. `say` must outlive this object.
  merged_parts(const context& ctx, std::vector<part> all, format as,
               std::optional<planned_failure> fails, fair_semaphore& at_once, permit first,
               const log_line& say);
  // Ends the parts that are running and waits for them.
  ~merged_parts() { end(); }
  merged_parts(const merged_parts&) = delete;
  merged_parts& operator=(const merged_parts&) = delete;

  // Waits until the head of the answer can be sent. Returns ctx.err() if the context of the
  // request, `ctx`, ends first. Throws http::problem_error if a part fails or no thread can be made
  // for one. In both cases all parts have stopped by then.
  std::error_code wait_begun(const context& ctx);

  // Sends all rows as they arrive. Returns ctx.err() or the writer's error, or throws
  // http::problem_error as above; all parts have stopped by then.
  std::error_code write(const context& ctx, http::body_writer& out);

  // How many parts ended in which way. To be called when all have ended: after an error, an
  // exception or the last row.
  std::array<std::size_t, part_ends> ends() noexcept;

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

  std::error_code start_all(const context& ctx, permit first);
  std::error_code ask(const context& ctx, slot& s, permit at);
  std::error_code fail_later(const context& ctx, slot& s);
  std::error_code pass_on(const context& ctx, slot& s, http::body_writer& out);
  [[noreturn]] void failed(slot& s, int status, const std::string& what) const;
  void begun() noexcept;
  std::error_code join(const context& request);
  void end() noexcept;

  const format format_;
  const std::optional<planned_failure> fails_;
  fair_semaphore& permits_;
  const log_line& say_;
  std::deque<slot> slots_;
  std::atomic<std::size_t> begun_{0};
  channel<char> head_{1};            // closed when the head can be sent
  std::optional<cause_kind> why_{};  // why the group ended, once it has
  std::optional<task_group> group_;  // last: the tasks use all of the above
};

}  // namespace hangup::query
