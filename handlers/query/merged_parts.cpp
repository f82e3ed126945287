#include "handlers/query/merged_parts.h"

#include <algorithm>
#include <utility>

#include "hangup/context/wait.h"
#include "hangup/http/problem.h"
#include "hangup/http/request.h"

namespace hangup::query {

// Puts the rows of one part into its channel.
class merged_parts::rows final : public row_sink {
 public:
  rows(merged_parts& of, slot& to) : of_(of), to_(to), text_format_(of.format_) {}

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
    if (const auto full = to_.pieces.try_send(std::move(text_))) {
      of_.head_.close();  // nobody reads the pieces before that
      if (const auto ec = to_.pieces.send(ctx, std::move(text_))) {
        return ec;
      }
    }
    text_.clear();
    return {};
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
  row_format text_format_;
  std::vector<field> fields_;
  std::string text_;
  context::clock::time_point since_{};
};

merged_parts::merged_parts(const context& ctx, std::vector<part> all, format as,
                           std::optional<planned_failure> fails, fair_semaphore& at_once,
                           permit first, const log_line& say)
    : format_(as), fails_(fails), permits_(at_once), say_(say) {
  for (auto& p : all) {
    slots_.emplace_back(slots_.size(), std::move(p));
  }
  group_.emplace(ctx, task_group_options{.name = "fanout"});
  if (fails_) {
    group_->go([this](const context& c) { return fail_later(c, slots_[fails_->part]); });
  }
  group_->go([this, first = std::move(first)](const context& c) mutable {
    return start_all(c, std::move(first));
  });
}

// Runs as a task of its own, which waits for the places of all parts; otherwise each waiting part
// would need a thread.
std::error_code merged_parts::start_all(const context& ctx, permit first) {
  for (auto& s : slots_) {
    if (fails_ && fails_->part == s.number) {
      continue;
    }
    auto at = std::exchange(first, permit());
    if (!at) {
      if (const auto ec = permits_.take(ctx, at)) {
        return ec;
      }
    }
    if (const auto ec = group_->go([this, &s, at = std::move(at)](const context& c) mutable {
          return ask(c, s, std::move(at));
        })) {
      return ec;
    }
  }
  return {};
}

std::error_code merged_parts::ask(const context& ctx, slot& s, permit at) {
  std::unique_ptr<running> q;
  rows to(*this, s);
  std::string why;
  auto ec = s.asks.from->engine().start(ctx, *s.asks.what, s.asks.with, q, why);
  if (!ec) {
    begun();
    ec = q->rows(ctx, to, why);
    q.reset();  // others may use the connection and the place while the client reads
  }
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
  return ec;
}

std::error_code merged_parts::fail_later(const context& ctx, slot& s) {
  if (const std::error_code ec = sleep_for(ctx, fails_->after)) {
    return ec;
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
    head_.close();
  }
}

std::error_code merged_parts::wait_begun(const context& ctx) {
  char none = 0;
  const auto ec = head_.receive(group_->ctx(), none);
  if (ec == channel_errc::closed) {
    return {};
  }
  static_cast<void>(join(ctx));
  return ec;  // also if all parts were done when the request's context ended
}

std::error_code merged_parts::write(const context& ctx, http::body_writer& out) {
  std::error_code ec;
  for (auto at = slots_.begin(); at != slots_.end() && !ec; ++at) {
    ec = pass_on(ctx, *at, out);
  }
  if (ec && !group_->ctx().done()) {  // the client no longer reads, so end the other parts
    end();
    return ec;
  }
  try {
    const auto of_parts = join(ctx);
    return ec ? ec : of_parts;
  } catch (const http::problem_error& e) {
    if (format_ == format::ndjson) {
      std::string line = "{\"error\":{\"title\":\"a part has failed\",\"detail\":";
      append_json(e.what(), line);
      static_cast<void>(out.write(ctx, line + "}}\n"));  // the answer is cut off anyway
    }
    throw;
  }
}

std::error_code merged_parts::pass_on(const context& ctx, slot& s, http::body_writer& out) {
  bool over = false;
  for (bool begins = true; !over; begins = false) {
    std::string piece;
    if (const auto ec = s.pieces.receive(group_->ctx(), piece)) {
      if (ec != channel_errc::closed) {
        return ec;
      }
      piece = std::move(s.last);
      over = true;
    }
    if (begins && s.number == 0) {
      piece.insert(0, s.names);
    } else if (begins && s.names != slots_[0].names) {
      end();
      failed(s, 502, "its columns are not those of part 0, and CSV has one line of names");
    }
    if (piece.empty()) {
      continue;
    }
    if (const auto ec = out.write(ctx, piece)) {
      return ec;
    }
  }
  return {};
}

// A part that fails throws, or stops because its context has ended. An error of the group while the
// request's context is alive means something else: some part could not be started.
std::error_code merged_parts::join(const context& request) {
  struct noted {
    ~noted() { of.end(); }
    merged_parts& of;
  } const when_over{*this};
  const auto ec = group_->wait();
  if (ec && !request.done()) {
    throw http::problem_error(503, "the parts cannot all be started now: " + ec.message());
  }
  return ec;
}

void merged_parts::end() noexcept {
  if (group_) {
    const auto ctx = group_->ctx();
    group_.reset();
    why_ = ctx.cause()->kind;
  }
}

std::array<std::size_t, part_ends> merged_parts::ends() noexcept {
  end();
  std::array<std::size_t, part_ends> counts{};
  for (const auto& s : slots_) {
    const auto how = s.ended.value_or(why_ == cause_kind::sibling_failed ? part_end::sibling_failed
                                                                         : part_end::stopped);
    ++counts[static_cast<std::size_t>(how)];
  }
  return counts;
}

}  // namespace hangup::query
