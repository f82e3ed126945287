#include "http/run/task_run.h"

#include <poll.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "hangup/context/wait.h"
#include "http/run/reply_access.h"

namespace hangup::http {
namespace {

constexpr std::size_t most_received = 16 * 1024;  // by one receive()

void rethrow(const std::exception_ptr& thrown) {
  if (thrown) {
    std::rethrow_exception(thrown);
  }
}

}  // namespace

task<bool> task_run::run() {
  auto& req = *c_.incoming;
  reply res(x_.ctx(), req);
  req_ = &req;
  res_ = &res;
  if (takes_pieces()) {
    request_access::source(req) = this;
  }
  const bool reads = takes_pieces() || co_await read_body();
  if (!reads) {
    if (!answer_without_body(res)) {
      co_return false;
    }
    co_return co_await send(req, res);
  }
  read_ahead();
  reply_access::sink(res) = this;
  std::exception_ptr thrown;
  try {
    co_await x_.to().answer.begin(x_.ctx(), req, res);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (std::exchange(request_access::source(req), nullptr) != nullptr) {
    leave_body();
  }
  if (begun_) {
    rethrow(thrown);
    if (no_body_) {
      static_cast<void>(answer_without_body(res));  // to tell of the limit
      co_return false;
    }
    co_return co_await end_stream();
  }
  call([&thrown] { rethrow(thrown); }, res);
  if (auto& later = reply_access::later(res)) {
    c_.later = std::move(later);
    co_return false;
  }
  if (no_body_) {
    res.clear();
    if (!answer_without_body(res)) {
      co_return false;
    }
    co_return co_await send(req, res);
  }
  if (x_.ctx().done() && reply_access::is_in_pieces(res)) {
    res.clear();  // it has stopped before the first piece
  }
  if (!says_something(res)) {
    co_return false;
  }
  if (refused_ && reply_access::is_in_pieces(res)) {
    fail(res, "the context of the first piece had ended, and that of the request had not");
  }
  if (reply_access::is_in_pieces(res)) {  // without any piece
    begin_stream();
    const auto head = std::exchange(head_, {});
    co_await send_all(head, nullptr);
    co_return co_await end_stream();
  }
  if (res.is_streamed()) {
    fail(res, "a task writes a stream by itself: reply::write()");
  }
  co_return co_await send(req, res);
}

// The watcher asks, while it reads ahead, whether somebody wants what arrives.
void task_run::leave_body() {
  watcher_.stop_reading(c_.fd());
  c_.session.leave_body();
  read_ahead();
}

task<bool> task_run::read_body() {
  while (!has_body() && !no_body_) {
    co_await read_some(x_.ctx(), nullptr);
  }
  co_return has_body();
}

task<> task_run::read_some(const context& during, std::string_view* piece) {
  const auto& kept = request_access::body(*c_.incoming);
  const auto before = kept.size();
  watcher_.stop_reading(c_.fd());
  std::error_code ec;
  if (turn_.is_over()) {
    ec = co_await yield(during);
  }
  while (!ec && !no_body_ && c_.session.take_body() && kept.size() == before && !has_body()) {
    const auto how = receive();
    turn_.moved(most_received);
    if (how == connection::io::again) {
      ec = co_await wait_fd(during, c_.fd(), POLLIN, c_.coming.wait(clock::now()));
    } else if (how != connection::io::some) {
      no_body_ = true;
    } else if (turn_.is_over()) {
      ec = co_await yield(during);
    }
  }
  if (ec && during.done() && !x_.ctx().done()) {
    co_return;
  }
  body_late_ = ec == std::errc::timed_out && !x_.ctx().done();
  no_body_ = no_body_ || ec;
  if (no_body_) {
    co_return;
  }
  turn_.moved(kept.size() - before);  // it may have been read ahead
  no_body_ = c_.session.body().refused();
  if (piece != nullptr && !no_body_) {
    *piece = kept;
    read_ahead();  // while the handler is busy with the piece
  }
}

bool task_run::read(const context& ctx, std::string_view& piece) {
  piece = {};
  if (ctx.done() || x_.ctx().done() || no_body_) {
    return true;
  }
  auto& kept = request_access::body(*c_.incoming);
  if (!std::exchange(request_access::was_read(*c_.incoming), true)) {
    piece = kept;  // what had come before the handler was called
  } else {
    kept.clear();
  }
  if (!piece.empty() || has_body()) {
    return true;
  }
  more_ = read_some(ctx, &piece);
  return false;
}

std::error_code task_run::outcome(const context& ctx) const noexcept {
  if (ctx.done() || x_.ctx().done()) {
    return ctx.done() ? ctx.err() : x_.ctx().err();
  }
  return no_body_ ? std::make_error_code(std::errc::bad_message) : std::error_code{};
}

task<bool> task_run::send(request& req, reply& res) {
  prepare(req, res);
  auto head = out_.begin(req, res);
  x_.answering();
  const auto rest = out_.join(res, head);
  co_await send_all(head, nullptr);
  out_.keep(std::move(head));
  if (!failed_) {
    co_await send_all(rest, nullptr);
  }
  co_return !failed_;
}

void task_run::begin_stream() {
  prepare(*req_, *res_);
  head_ = out_.begin(*req_, *res_);
  begun_ = true;
}

bool task_run::write(const context& ctx, std::string_view piece) {
  if (ctx.done() || x_.ctx().done()) {
    (begun_ ? failed_ : refused_) = true;
    work_stopped(x_.ctx());
    return true;
  }
  if (failed_ || beyond_) {
    return true;
  }
  if (!begun_) {
    begin_stream();
  }
  auto bytes = piece;
  if (out_.is_bodiless()) {
    beyond_ = true;
    bytes = {};
  } else if (!piece.empty()) {  // an empty chunk would end the body
    const auto as = out_.framed(piece);
    beyond_ = !as;
    bytes = as.value_or(std::string_view());
  }
  if (!head_.empty()) {
    head_.append(bytes);
    bytes = head_;
  }
  // What the client takes at once needs no frame of its own.
  auto first = bytes.substr(0, turn_.left());
  const auto size = first.size();
  switch (out_.send_some(first)) {
    case connection::io::some:
    case connection::io::again:
      bytes.remove_prefix(size - first.size());
      turn_.moved(size - first.size());
      break;
    case connection::io::closed:
    case connection::io::cut_off:
    case connection::io::failed:
      failed_ = true;
      return true;
  }
  if (!bytes.empty()) {
    rest_ = send_all(bytes, &ctx);
    return false;
  }
  if (!head_.empty()) {
    out_.keep(std::exchange(head_, {}));
  }
  return true;
}

// The context may have ended after the piece was sent. The handler stops then, too.
std::error_code task_run::result(const context& ctx) const noexcept {
  if (ctx.done() || x_.ctx().done()) {
    told_to_stop_ = true;
    return ctx.done() ? ctx.err() : x_.ctx().err();
  }
  return failed_ || beyond_ ? std::make_error_code(std::errc::broken_pipe) : std::error_code{};
}

task<bool> task_run::end_stream() {
  if (failed_) {
    co_return false;
  }
  if (out_.is_bodiless()) {
    co_return true;
  }
  // Who returns after the end may have stopped because of it.
  if (!out_.is_whole() || (!out_.last().empty() && x_.ctx().done()) ||
      (told_to_stop_ && out_.ends_by_close())) {
    co_return false;
  }
  co_await send_all(out_.last(), nullptr);
  co_return !failed_;
}

task<> task_run::send_all(std::string_view bytes, const context* only_during) {
  while (!bytes.empty() && !failed_) {
    if (turn_.is_over()) {
      static_cast<void>(co_await yield(x_.ctx()));
      if (only_during != nullptr && (only_during->done() || x_.ctx().done())) {
        failed_ = true;
        break;
      }
    }
    auto part = bytes.substr(0, turn_.left());
    const auto size = part.size();
    const auto how = out_.send_some(part);
    bytes.remove_prefix(size - part.size());
    turn_.moved(size - part.size());
    if (how == connection::io::again) {
      const auto wait = c_.wait_for_room();
      const context& during = only_during != nullptr ? *only_during : wait.during;
      const std::error_code ec = co_await wait_fd(during, c_.fd(), POLLOUT, wait.until);
      failed_ = !c_.goes_on(wait, ec) || (only_during != nullptr && during.done());
    } else {
      failed_ = how != connection::io::some;
    }
  }
  if (only_during != nullptr) {
    head_ = {};  // it was a part of what has been sent
  }
}

}  // namespace hangup::http
