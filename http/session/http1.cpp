#include "http/session/http1.h"

#include <utility>

namespace hangup::http {
namespace {

constexpr unsigned most_in_a_row = 16;
constexpr std::size_t much_input = 16 * 1024;
constexpr std::size_t kept_input = 4 * 1024;  // how much of its buffer an idle connection keeps

}  // namespace

void http1::consume(std::size_t n) noexcept {
  used_ += n;
  if (used_ == in_.size()) {
    used_ = 0;
    in_.clear();
    if (in_.capacity() > kept_input) {
      in_ = {};
    }
  } else if (used_ >= much_input) {  // what is left moves to the beginning, once in a while
    in_.erase(0, used_);
    used_ = 0;
  }
}

// Keeps the room for the headers of the next one.
void http1::forget_head() noexcept {
  auto headers = std::move(head_.headers);
  headers.clear();
  head_ = {};
  head_.headers = std::move(headers);
}

// A head that arrives byte by byte is not parsed again for each byte, but for each line, and within
// a long line every 1024 bytes.
bool http1::is_worth_a_look() const noexcept {
  constexpr std::size_t now_and_then = 1024;
  const auto in = received();
  return in.find('\n', looked_at_) != std::string_view::npos ||
         in.size() / now_and_then != looked_at_ / now_and_then;
}

http1::action http1::arrived(bool closing) {
  if (at_ == state::body) {
    return body_arrived();
  }
  if (at_ == state::head && !closing && !is_worth_a_look()) {
    looked_at_ = received().size();
    return action::wait;
  }
  return next(closing);
}

http1::action http1::nothing_arrived(bool closing) const noexcept {
  return closing ? input_ended() : action::wait;
}

http1::action http1::next(bool closing) {
  consume(leading_empty_lines(received()));
  if (closing) {
    return action::linger;
  }
  at_ = state::between;
  if (received().empty()) {
    in_a_row_ = 0;
    return action::wait;
  }
  if (in_a_row_ == most_in_a_row) {
    in_a_row_ = 0;
    return action::yield;
  }
  at_ = state::head;
  forget_head();
  refusal why;
  switch (read_head(received(), limits_, head_, why)) {
    case head_is::incomplete:
      looked_at_ = received().size();
      return action::wait;
    case head_is::refused:
      to_head_ = head_.method == "HEAD";
      return refuse(std::move(why));
    case head_is::whole:
      break;
  }
  to_head_ = head_.method == "HEAD";
  if (refuse_all_) {
    return refuse(*refuse_all_);
  }
  ++in_a_row_;
  keeps_ = head_.keep_alive && head_.http_1_1;  // with HTTP/1.0 the close ends the answer
  is_last_ = !keeps_;
  return action::begin;
}

http1::action http1::refuse(refusal why) {
  const auto over = why.over;
  why_ = refuse_all_ ? *refuse_all_ : std::move(why);
  why_.over = over;
  keeps_ = false;
  if (at_ != state::body) {
    body_ = {};
  }
  return action::refuse;
}

http1::action http1::accept(const body_rule& rule) {
  rule_ = rule;
  body_ = head_.chunked ? body_scan::of_chunks(rule.largest, limits_)
                        : body_scan::of_length(head_.content_length, rule.largest);
  taken_ = 0;
  leaves_body_ = false;
  awaits_continue_ = head_.expects_continue;
  at_ = state::body;
  consume(head_.size);
  forget_head();
  return body_arrived();
}

void http1::accept_none() {
  keeps_ = keeps_ && !head_.has_body();
  static_cast<void>(accept({}));
  at_ = state::work;
}

http1::action http1::body_arrived() {
  if (!take_body()) {
    return refuse(body_.why());
  }
  if (body_.complete() || taken_ >= rule_.enough) {
    at_ = state::work;
    leaves_body_ = !body_.complete() && !wants_body();
    return action::start;
  }
  return std::exchange(awaits_continue_, false) && taken_ == 0 ? action::proceed : action::wait;
}

bool http1::take_body() {
  const auto taken = body_.feed(received(), [this](std::string_view data) {
    if (wants_body()) {
      rule_.keep_in->append(data);
    }
  });
  taken_ += taken;
  consume(taken);
  return !body_.refused();
}

void http1::discard_received() {
  if (!take_body() || (body_.complete() && is_last_)) {
    consume(received().size());  // if it is malformed, the owner will find that
  }
}

http1::action http1::timed_out() {
  switch (at_) {
    case state::between:
      return action::close;
    case state::head:
    case state::body:
      if (at_ == state::head) {
        forget_head();  // what is known of it points into the input as it was then
        to_head_ = false;
      }
      return refuse({.status = 408,
                     .detail = "the request did not arrive in time",
                     .over = at_ == state::head ? limit::head_time : limit::body_time});
    case state::work:
      return action::linger;
    case state::room:
      break;
  }
  return action::cut_off;
}

http1::action http1::ended_early(int status, std::string why) {
  at_ = state::work;
  if (status == 0) {
    return action::drop;
  }
  const bool is_usual = why.empty();
  why_ = {.status = status,
          .detail = !why.empty()    ? std::move(why)
                    : status == 504 ? "the deadline of this request passed before its work began"
                                    : "the server ended this request before it was started",
          .headers = status == 503 && is_usual ? "Retry-After: 1\r\n" : ""};
  keeps_ = keeps_ && (status == 504 || !is_usual);
  return action::refuse;
}

http1::action http1::answered(bool complete, bool unsent) noexcept {
  keeps_ = keeps_ && complete;
  at_ = complete && unsent ? state::room : state::work;
  return at_ == state::room ? action::wait : action::finish;
}

http1::rest http1::discard_rest() {
  rule_.keep_in = nullptr;
  const bool well = take_body();
  return body_.complete() ? rest::discarded : well ? rest::more : rest::unusable;
}

http1::action http1::finished(bool silent, bool clean) noexcept {
  at_ = state::between;
  rule_.keep_in = nullptr;
  if (silent) {
    return action::drop;
  }
  return keeps_ && clean ? action::next : action::linger;
}

}  // namespace hangup::http
