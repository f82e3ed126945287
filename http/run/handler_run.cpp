#include "http/run/handler_run.h"

#include <poll.h>

#include "hangup/context/wait.h"
#include "hangup/http/problem.h"
#include "http/run/deferral.h"
#include "http/run/error_answer.h"
#include "http/run/gzip.h"
#include "http/run/reply_access.h"

namespace hangup::http {
// In a catch block: makes an answer of what was thrown.
void handler_run::caught(reply& res) {
  try {
    throw;
  } catch (const std::system_error& e) {
    if (x_.ctx().done() && e.code().category() == context_category()) {
      res.clear();  // an unfinished answer of the handler is discarded
    } else {        // among others: another context than the request's has ended
      fail(res, e.what());
    }
  } catch (const problem_error& e) {
    if (e.status() < 400 || e.status() > 599) {
      fail(res, e.what());
      return;
    }
    x_.broke(e.what());
    res.clear();
    if (e.status() == 503) {
      res.set("Retry-After", "1");
    }
    refuse(res, e.status(), e.what());
  } catch (const std::exception& e) {
    fail(res, e.what());
  } catch (...) {
    fail(res, "an exception that is not a std::exception");
  }
}

bool handler_run::run() {
  const auto& req = *c_.incoming;
  reply res(x_.ctx(), req);
  if (!read_body()) {
    return answer_without_body(res) && send(req, res);
  }
  read_ahead();
  call([&] { x_.to().answer(x_.ctx(), req, res); }, res);
  if (auto& later = reply_access::later(res)) {
    c_.later = std::move(later);
    return false;
  }
  if (reply_access::is_in_pieces(res)) {  // only a task sends them one by one
    reply_access::make_whole(res);
  }
  return says_something(res) && send(req, res);
}

bool handler_run::says_something(reply& res) {
  return !x_.ctx().done() || !reply_access::is_empty(res) || answer_for_ended(res);
}

bool handler_run::answer_without_body(reply& res) {
  c_.session.close_after();
  return x_.ctx().done() ? answer_for_ended(res) : refuse_body(res);
}

bool handler_run::run_deferred() {
  const auto& req = *c_.incoming;
  reply other(x_.ctx(), req);
  reply* made = nullptr;
  call([&] { made = c_.later->answer(); }, other);
  if (made != nullptr && made->is_streamed()) {
    made = nullptr;
    fail(other, "a deferred answer cannot be a stream");
  } else if (made != nullptr && made->body().size() > how_.spot_output) {  // it would be cut off
    made = nullptr;
    fail(other, "a deferred answer cannot be larger than options::spot_output");
  }
  reply& res = made != nullptr ? *made : other;
  const bool ended = made == nullptr && x_.ctx().done() && reply_access::is_empty(res);
  return (!ended || answer_for_ended(res)) && send(req, res);
}

bool handler_run::send(const request& req, reply& res) {
  prepare(req, res);
  return out_.write(req, res);
}

void handler_run::prepare(const request& req, reply& res) {
  out_.prepare(req, res);
  if (res.status() >= 400 && res.body().empty() && !res.is_streamed()) {
    refuse(res, res.status(), usual_detail(res.status()));
  }
  compress(req, res);
  if (!res.is_streamed()) {  // otherwise the work goes on in the producer
    x_.work_over(clock::now());
  }
  x_.has_status(res.status());
  decide_on_the_connection();
}

void handler_run::read_ahead() noexcept {
  if (!on_the_spot_ && how_.read_ahead > 0) {
    watcher_.read_ahead(c_.fd(), c_);
  }
}

// Decides whether the connection is kept, before the head of the answer promises it.
void handler_run::decide_on_the_connection() {
  if (draining_) {
    c_.session.close_after();
  }
  if (c_.session.leaves_body() && c_.session.keeps()) {
    watcher_.stop_reading(c_.fd());
    if (!c_.discard_rest_of_body()) {
      c_.session.close_after();
    }
    read_ahead();
  }
}

// For a body that is too large to be complete before the handler runs: a worker reads the rest.
// Returns false if that is not possible.
bool handler_run::read_body() {
  if (has_body()) {
    return true;
  }
  watcher_.stop_reading(c_.fd());
  while (c_.session.take_body() && !has_body()) {
    if (!await_body()) {
      return false;
    }
  }
  return has_body();
}

connection::io handler_run::receive() {
  const auto how = c_.receive();
  if (how != connection::io::some && how != connection::io::again) {
    c_.client_left(c_.seen_by(how));
  }
  return how;
}

// Waits until more of the body has arrived.
bool handler_run::await_body() {
  while (!on_the_spot_) {
    switch (receive()) {
      case connection::io::some:
        return true;
      case connection::io::again:
        if (const std::error_code ec =
                wait_fd(x_.ctx(), c_.fd(), POLLIN, c_.coming.wait(clock::now()))) {
          body_late_ = ec == std::errc::timed_out && !x_.ctx().done();
          return false;
        }
        break;
      case connection::io::closed:
      case connection::io::cut_off:
      case connection::io::failed:
        return false;
    }
  }
  return false;
}

bool handler_run::refuse_body(reply& res) {
  if (body_late_) {
    x_.reached(limit::body_time);
    refuse(res, 408, "the request did not arrive in time");
  } else {
    const auto why = c_.session.body().why();
    x_.reached(why.over);
    refuse(res, why.status, why.detail);
  }
  return true;
}

// A part of the request's work, like the handler: it stops when the context ends.
void handler_run::compress(const request& req, reply& res) {
  constexpr std::size_t worth_it = 1024;
  if (!x_.to().compress || on_the_spot_ || res.is_streamed()) {
    return;
  }
  // What is offered in ranges has only one form, because parts of two forms cannot be combined.
  if (res.body().size() < worth_it || res.has("Accept-Ranges") || res.has("Content-Encoding")) {
    return;
  }
  res.add("Vary", "Accept-Encoding");
  if (!takes_gzip(req.header_list("Accept-Encoding"))) {
    return;
  }
  if (auto smaller = gzipped(x_.ctx(), res.body())) {
    reply_access::body(res) = std::move(*smaller);
    res.set("Content-Encoding", "gzip");
    if (const auto tag = res.header("ETag"); tag && tag->starts_with('"')) {
      // A strong ETag belongs to the other form (RFC 9110 8.8.3).
      res.set("ETag", "W/" + std::string(*tag));
    }
  }
}

void handler_run::refuse(reply& res, int status, std::string_view detail) {
  answer_error(
      res, how_,
      {.status = status, .detail = detail, .request_id = x_.id(), .head = c_.incoming.get()});
}

void handler_run::fail(reply& res, const char* what) {
  x_.broke(what);
  res.clear();
  refuse(res, 500, usual_detail(500));
}

// The work has stopped, or never began, without an answer: tells the client why, if it is still
// there. Returns false if it is not.
bool handler_run::answer_for_ended(reply& res) {
  const auto status = status_of(end_of(x_.ctx().cause()->kind));
  const auto by_operator = x_.told_of_operator();
  if (status == 503 && by_operator.empty()) {
    res.set("Retry-After", "1");
  }
  if (status != 0) {
    refuse(res, status,
           !by_operator.empty() ? std::string_view(by_operator)
           : status == 503      ? "the server ended this request"
                                : usual_detail(status));
  }
  return status != 0;
}

}  // namespace hangup::http
