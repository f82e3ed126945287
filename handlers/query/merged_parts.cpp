#include "handlers/query/merged_parts.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "hangup/context/wait.h"
#include "hangup/http/problem.h"
#include "hangup/http/request.h"
#include "hangup/worker/loop.h"

namespace hangup::query {
namespace {

[[noreturn]] void not_started(std::error_code why) {
  throw http::problem_error(503, "the parts cannot all be started now: " + why.message());
}

}  // namespace

// Puts the rows of one part into its channel.
class merged_parts::rows final : public row_sink {
 public:
  // `by_task`: it is full, and waits in flush(). A thread waits in row().
  rows(merged_parts& of, slot& to, bool by_task)
      : of_(of), to_(to), by_task_(by_task), text_format_(of.format_) {}

  std::error_code columns(const context&, std::span<const std::string> names) override {
    std::vector<std::string> all = {"part"};
    all.insert(all.end(), names.begin(), names.end());
    text_format_.columns(all, to_.names);  // empty for NDJSON
    fields_.resize(all.size());
    fields_[0] = static_cast<std::int64_t>(to_.number);
    return {};
  }

  std::error_code row(const context& ctx, std::span<const field> fields) override {
    constexpr std::size_t worth_a_piece = 16 * 1024;
    if (text_.empty()) {
      since_ = context::clock::now();
    }
    std::copy(fields.begin(), fields.end(), fields_.begin() + 1);
    if (!text_format_.row(fields_, text_)) {
      problem = "a row has more than " + std::to_string(row_format::most_bytes) + " bytes";
      return errc::failed;
    }
    if (text_.size() < worth_a_piece) {
      return {};
    }
    if (to_.pieces.try_send(std::move(text_))) {
      of_.head_.set();  // nobody reads the pieces before that
      full_ = by_task_;
      if (full_) {
        return {};
      }
      if (const std::error_code ec = to_.pieces.send(ctx, std::move(text_))) {
        return ec;
      }
    }
    text_.clear();
    return {};
  }
  bool is_full() const noexcept override { return full_; }
  task<std::error_code> flush(const context& ctx) override {
    full_ = false;
    const std::error_code ec = co_await to_.pieces.send(ctx, std::move(text_));
    text_.clear();
    co_return ec;
  }

  // If there is no room, it goes on collecting.
  std::error_code idle(const context& ctx) override {
    if (!text_.empty() && context::clock::now() - since_ >= gather_time &&
        !to_.pieces.try_send(std::move(text_))) {
      text_.clear();
    }
    return ctx.err();
  }

  // There are no more rows, and the last piece needs no room in the channel.
  void finish() {
    to_.last = std::move(text_);
    to_.ended = part_end::completed;
    to_.pieces.close();
  }

  std::string problem;

 private:
  merged_parts& of_;
  slot& to_;
  const bool by_task_;
  bool full_ = false;
  row_format text_format_;
  std::vector<field> fields_;
  std::string text_;
  context::clock::time_point since_{};
};

merged_parts::merged_parts(std::vector<part> all, format as, std::optional<planned_failure> fails,
                           fair_semaphore& at_once, pool& blocking, const log_line& say)
    : format_(as), fails_(fails), permits_(at_once), blocking_(blocking), say_(say) {
  for (auto& p : all) {
    slots_.emplace_back(slots_.size(), std::move(p));
  }
}

task<std::error_code> merged_parts::answer(const context& ctx, http::reply& res, permit first) {
  std::error_code ec;
  std::string failure;
  std::exception_ptr thrown;
  const auto body = [&](awaited_task_group& parts) { return run(ctx, parts, res, first); };
  try {
    ec = co_await with_task_group(ctx, body);
  } catch (const http::problem_error& e) {
    failure = e.what();
    thrown = std::current_exception();
  }
  if (!thrown) {
    stopped_ = stopped_ || ctx.done();
    if (ec && !stopped_) {
      not_started(ec);
    }
    co_return ec;
  }
  if (head_sent_ && format_ == format::ndjson) {
    std::string line = "{\"error\":{\"title\":\"a part has failed\",\"detail\":";
    append_json(failure, line);
    line.append("}}\n");
    static_cast<void>(co_await res.write(ctx, line));  // the answer is cut off anyway
  }
  std::rethrow_exception(thrown);
}

// The body of the group: its first error, or what a part has thrown, ends the others.
task<std::error_code> merged_parts::run(const context& ctx, awaited_task_group& parts,
                                        http::reply& res, permit& first) {
  if (fails_) {
    parts.go([this](const context& c) { return fail_later(c, slots_[fails_->part]); });
  }
  parts.go([this, &parts, &first](const context& c) { return start_all(c, parts, first); });
  std::error_code ec = co_await head_.wait(parts.ctx());
  if (ec) {
    co_return ec;
  }
  res.stream(content_type(format_));
  head_sent_ = true;
  ec = co_await res.write(ctx, {});
  for (auto at = slots_.begin(); at != slots_.end() && !ec; ++at) {
    ec = co_await pass_on(ctx, parts.ctx(), *at, res);
  }
  stopped_ = ec && !parts.ctx().done();  // the client no longer reads
  co_return ec;
}

// A task of its own, which waits for the places of all parts.
task<std::error_code> merged_parts::start_all(const context& ctx, awaited_task_group& parts,
                                              permit& first) {
  for (auto& s : slots_) {
    if (fails_ && fails_->part == s.number) {
      continue;
    }
    auto at = std::exchange(first, permit());
    if (!at) {
      if (const auto ec = co_await permits_.take_later(ctx, at)) {
        co_return ec;
      }
    }
    const auto ec = parts.go([this, &s, mine = std::move(at)](const context& c) mutable {
      return ask(c, s, std::move(mine));
    });
    if (ec) {
      co_return ec;
    }
  }
  first = permit();  // the only part is the one that is to fail, and needs no place
  co_return std::error_code();
}

task<std::error_code> merged_parts::ask(const context& ctx, slot& s, permit at) {
  rows to(*this, s, s.asks.from->engine().as_tasks() != nullptr);
  std::string why;
  const auto ec = co_await query_it(ctx, s, to, why);
  at = permit();
  s.asks.from->count(end_of(ec));
  if (!ec) {
    to.finish();
  } else if (!ctx.done() && end_of(ec) != query_end::stopped) {
    // Otherwise the log line of the request has the reason.
    if (say_ && for_clients(ec, why) != why) {
      say_("database " + s.asks.from->name() + ", part " + std::to_string(s.number) + ": " +
           ec.message() + ": " + why + " [" + http::request_id(ctx) + "]");
    }
    const int status = http_status(ec);
    failed(s, status == 500 ? 502 : status,
           "database \"" + s.asks.from->name() + "\": " +
               (why.empty() && !to.problem.empty() ? ec.message() + ": " + to.problem
                                                   : in_words(ec, why)));
  }
  co_return ec;
}

// Others may use the connection while the client reads.
task<std::error_code> merged_parts::query_it(const context& ctx, slot& s, rows& to,
                                             std::string& why) {
  auto* const waits = s.asks.from->engine().as_tasks();
  if (waits == nullptr) {
    bool begins = false;
    const auto here = [&](const context& c) {
      begins = true;
      return query_here(c, s, to, why);
    };
    const auto ec = co_await on(blocking_, ctx, here, http::client_of(ctx));
    if (!begins && !ctx.done()) {
      not_started(ec);
    }
    co_return ec;
  }
  std::unique_ptr<waiting_query> q;
  auto ec = co_await waits->start(ctx, *s.asks.what, s.asks.with, q, why);
  if (!ec) {
    begun();
    ec = co_await q->rows(ctx, to, why);
  }
  co_return ec;
}

std::error_code merged_parts::query_here(const context& ctx, slot& s, rows& to, std::string& why) {
  std::unique_ptr<running> q;
  const auto ec = s.asks.from->engine().start(ctx, *s.asks.what, s.asks.with, q, why);
  if (ec) {
    return ec;
  }
  begun();
  return q->rows(ctx, to, why);
}

task<std::error_code> merged_parts::fail_later(const context& ctx, slot& s) {
  const std::error_code ec = co_await sleep_for(ctx, fails_->after);
  if (ec) {
    co_return ec;
  }
  failed(s, 502,
         "failed after " + std::to_string(fails_->after.count()) + " ms, as the request asks for");
}

void merged_parts::failed(slot& s, int status, const std::string& what) const {
  s.ended = part_end::failed;
  throw http::problem_error(status, "part " + std::to_string(s.number) + " of " +
                                        std::to_string(slots_.size()) + ": " + what);
}

void merged_parts::begun() noexcept {
  if (begun_.fetch_add(1, std::memory_order_relaxed) + 1 == slots_.size()) {
    head_.set();
  }
}

task<std::error_code> merged_parts::pass_on(const context& ctx, const context& of_parts, slot& s,
                                            http::reply& res) {
  bool over = false;
  for (bool begins = true; !over; begins = false) {
    std::string piece;
    const std::error_code received = co_await s.pieces.receive(of_parts, piece);
    if (received == channel_errc::closed) {
      piece = std::move(s.last);
      over = true;
    } else if (received) {
      co_return received;
    }
    if (begins && s.number == 0) {
      piece.insert(0, s.names);
    } else if (begins && s.names != slots_[0].names) {
      failed(s, 502, "its columns are not those of part 0, and CSV has one line of names");
    }
    if (piece.empty()) {
      continue;
    }
    const std::error_code written = co_await res.write(ctx, piece);
    if (written) {
      co_return written;
    }
  }
  co_return std::error_code();
}

std::array<std::size_t, part_ends> merged_parts::ends() const noexcept {
  std::array<std::size_t, part_ends> counts{};
  for (const auto& s : slots_) {
    const auto how = s.ended.value_or(stopped_ ? part_end::stopped : part_end::sibling_failed);
    ++counts[static_cast<std::size_t>(how)];
  }
  return counts;
}

}  // namespace hangup::query
