// The parts of one fan-out, and their rows in one piece. What it promises is said in fanout.h.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "context/channel.h"
#include "context/task_group.h"
#include "handlers/query/fanout.h"
#include "handlers/query/row_format.h"
#include "http/reply.h"

namespace hangup::query {

// One sub-query.
struct part {
  source* from = nullptr;
  const report* what = nullptr;
  arguments with{};
};

// A part that is to fail.
struct planned_failure {
  std::size_t part;
  std::chrono::milliseconds after;
};

// For one thread, that of the request.
class merged_parts {
 public:
  // Starts the parts under a context derived from `ctx`, in their order, as places come free; the
  // first has its place already. `say` must outlive this.
  merged_parts(const context& ctx, std::vector<part> all, format as,
               std::optional<planned_failure> fails, places& at_once, place first, const said& say);
  // Ends those that run, and returns when they have.
  ~merged_parts() { end(); }
  merged_parts(const merged_parts&) = delete;
  merged_parts& operator=(const merged_parts&) = delete;

  // Waits until the head of the answer can be sent. If the context of the request, which is `ctx`,
  // ends first, ctx.err() when all parts have stopped; if a part fails, or there is no thread for
  // one, http::problem_error, then too.
  std::error_code wait_begun(const context& ctx);

  // Sends all rows, as they come. ctx.err(), or what the writer says of a client that left, or
  // http::problem_error as above: when all parts have stopped.
  std::error_code write(const context& ctx, http::body_writer& out);

  // How many parts ended how, once all have: after an error, an exception, or the last row.
  std::array<std::size_t, part_ends> ends() noexcept;

 private:
  struct slot {
    slot(std::size_t n, part p) : number(n), asks(std::move(p)) {}
    const std::size_t number;
    const part asks;
    channel<std::string> pieces{2};   // closed when all are in it, but for the last
    std::string last{};               // this and the names are there when a piece, or the close, is
    std::string names{};              // CSV: the line of names
    std::optional<part_end> ended{};  // on its own account
  };
  class rows;

  std::error_code start_all(const context& ctx, place first);
  std::error_code ask(const context& ctx, slot& s, place at);
  std::error_code fail_later(const context& ctx, slot& s);
  std::error_code pass_on(const context& ctx, slot& s, http::body_writer& out);
  [[noreturn]] void failed(slot& s, int status, const std::string& what) const;
  void begun() noexcept;
  std::error_code join(const context& request);
  void end() noexcept;

  const format format_;
  const std::optional<planned_failure> fails_;
  places& places_;
  const said& say_;
  std::deque<slot> slots_;
  std::atomic<std::size_t> begun_{0};
  channel<char> head_{1};            // closed when the head can be sent
  std::optional<cause_kind> why_{};  // the group's end, once it is over
  std::optional<task_group> group_;  // last: the tasks use all of the above
};

}  // namespace hangup::query
