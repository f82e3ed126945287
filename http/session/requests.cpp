// The part of session_runner.h that handles requests, from the head to the reported end.
#include <algorithm>
#include <exception>

#include "hangup/http/request.h"
#include "hangup/worker/loop.h"
#include "http/engine/hosted_run.h"
#include "http/exchange/incoming.h"
#include "http/run/deferral.h"
#include "http/run/error_answer.h"
#include "http/run/handler_run.h"
#include "http/run/task_run.h"
#include "http/session/session_runner.h"
#include "http/wire/random_hex.h"

namespace hangup::http {
namespace {

constexpr std::string_view too_many = "too many requests for this are in flight";

// What has left the handler, or the producer of a stream.
void broken_by(exchange& x, const std::exception_ptr& what) {
  try {
    std::rethrow_exception(what);
  } catch (const canceled_error&) {  // it has stopped as its context has ended
  } catch (const std::exception& e) {
    x.broke(e.what());
  } catch (...) {
    x.broke("an exception that is not a std::exception");
  }
}

}  // namespace

// A head has arrived.
session_runner::action session_runner::begun(connection& c) {
  if (hosted_ != nullptr) {
    return begun_hosted(c);
  }
  const auto& head = c.session.head();
  const auto hit = routes_.find(head.method, head.path, head.encoded, c.addresses().serves);
  begin(c, hit.to != nullptr ? *hit.to : routes_.none(), head);
  if (hit.to != nullptr || guard_ != nullptr || how_.make_error) {
    c.incoming = request_for_handler(head, hit.segment, c.addresses(), hit.name);
    request_access::is_tls(*c.incoming) = c.tls() != nullptr;
  }
  if (guard_ != nullptr) {
    if (const auto why = (*guard_)(*c.incoming)) {
      return deny(c, *why);
    }
  }
  if (hit.to == nullptr) {
    return answer_without_route(c, hit);
  }
  if (hit.to->admits) {
    if (const auto why = hit.to->admits(*c.incoming)) {
      return deny(c, *why);
    }
  }
  if (hit.to->max_in_flight != 0) {
    if (!places_.take(*hit.to)) {
      c.session.accept_none();
      c.in_flight().reached(limit::in_flight);
      const auto& own = hit.to->too_many;
      return answer(c, 503, own.empty() ? too_many : own, "Retry-After: 1\r\n");
    }
    c.in_flight().has_place(true);
  }
  body_rule rule;
  const bool on_the_spot = hit.to->is_on_the_spot();
  if (takes_body(head.method)) {
    rule.keep_in = &request_access::body(*c.incoming);
    // On the spot nobody waits for the body, so it must fit into the buffer. A body that is
    // discarded as it arrives may have any size.
    rule.largest = on_the_spot ? std::min(how_.max_body, how_.body_buffer) : how_.max_body;
  }
  if (rule.keep_in == nullptr || !on_the_spot) {
    rule.enough = hit.to->body_in_pieces ? 1 : how_.body_buffer;
  }
  return c.session.accept(rule);
}

// The same for another engine, which may want the body of any request. It asks itself for one that
// is announced (100-continue), and refuses one that is too large.
session_runner::action session_runner::begun_hosted(connection& c) {
  const auto& head = c.session.head();
  const auto hit = routes_.find("GET", head.path);
  begin(c, hit.to != nullptr ? *hit.to : hosted_->to, head);
  c.incoming = request_for_handler(head, {}, c.addresses());
  const bool waits = takes_body(head.method) && !head.expects_continue;
  return c.session.accept(
      {.keep_in = &request_access::body(*c.incoming), .enough = waits ? how_.body_buffer : 0});
}

session_runner::action session_runner::refused(connection& c) {
  const auto& why = c.session.why();
  if (!c.request()) {
    begin(c, routes_.none(), c.session.head());
  }
  c.in_flight().reached(why.over);
  return answer(c, why.status, why.detail, why.headers);
}

void session_runner::begin(connection& c, const route& to, const request_head& head) {
  std::string id = head.request_id.empty() ? random_hex(16) : std::string(head.request_id);
  const auto policy = to.on_half_close.value_or(how_.on_half_close);
  // The FIN may have been heard before it was known to which route the request goes.
  if (policy == half_close::ignore && std::exchange(c.policy, policy) != policy &&
      watcher_.forgive(c.fd())) {
    c.renew_scope();
    watcher_.renew(c.fd(), c.scope().cancel);
  }
  c.begin_request(c.scope().ctx, to,
                  request_stamp(std::move(id), trace::continued(head.traceparent, head.tracestate),
                                c.client_key()),
                  std::string(head.method), std::string(head.target), clock::now(), head.patience,
                  watcher_.announced(c.fd(), c.watch_generation, policy));
  in_flight_.fetch_add(1);  // nothing below throws: a request that has begun must also end
  c.coming.restart();
  c.going.restart();
  for (auto* o : observers_) {
    o->began(to);
  }
  if (follower_ != nullptr && follower_->looks()) [[unlikely]] {
    c.look_at_request([&](exchange& x) { x.follow(*follower_, c.client(), false); });
  }
  if (std::exchange(c.policy, policy) != policy) {
    watcher_.use(c.fd(), policy);
  }
}

// Returns false if the connection belongs to a pool or to a task now. Otherwise `after` is what is
// to be done.
bool session_runner::start(connection& c, action& after) {
  exchange& x = c.in_flight();
  if (x.ctx().done()) {
    after = ended_early(c);
    return true;
  }
  if (x.to().is_on_the_spot()) {
    return serve(c, true, after);
  }
  x.queued();
  c.now.store(phase::queued, std::memory_order_relaxed);
  event_loop::of(c).turn_away(c);
  if (how_.read_ahead > 0) {
    c.ahead_limit = how_.read_ahead;
    watcher_.read_ahead(c.fd(), c);
  }
  const auto ec = hand_over(c);
  if (!ec) {
    return false;  // another thread owns the connection, or the work is already over
  }
  if (x.ctx().done()) {
    after = ended_early(c);
    return true;
  }
  x.reached(ec == pool_errc::share  ? limit::client_share
            : ec == pool_errc::full ? limit::queue
            : ec == loop_errc::full ? limit::in_flight
                                    : limit::none);
  const auto* const on = x.to().runs_on;
  after =
      answer(c, 503, on != nullptr ? on->why_not(ec) : std::string(too_many), "Retry-After: 1\r\n");
  return true;
}

// To the pool or the loop of its route.
std::error_code session_runner::hand_over(connection& c) {
  const exchange& x = c.in_flight();
  if (x.to().runs_on != nullptr) {
    return x.to().runs_on->post(x.ctx(), c, c.client_key());
  }
  // The loop need not end this task, as the server ends before the loop does.
  return spawn(*x.to().on_loop, background(), run_task(c));
}

// On the loop of the route. When the last step has been made, the connection may belong to another
// thread, and the server may be gone.
task<> session_runner::run_task(connection& c) {
  const bool begins = !c.request()->ctx().done();
  bool wrote = false;
  bool whole = false;
  std::exception_ptr thrown;
  if (begins) {
    exchange& x = c.in_flight();
    x.is_task(co_await tree::this_task());
    c.now.store(phase::running, std::memory_order_relaxed);
    x.running(clock::now());
    task_run run(c, how_, watcher_, draining_);
    try {
      const late_report report{saturated(how_.late_after),
                               [this, &c](const late_stopper& l) { tell_late(c, l); }};
      const late_watch watch(x.ctx(), report, x.to().path, {});
      whole = co_await run.run();
    } catch (...) {
      thrown = std::current_exception();
    }
    wrote = run.wrote();
  }
  step(c, [&](session_runner&, connection&) {
    auto after = action::finish;
    if (!begins) {
      after = ended_early(c);
    } else {
      if (thrown) {
        broken_by(c.in_flight(), thrown);
      }
      if (c.later) {
        if (!await_answer(c, after)) {
          return;
        }
      } else {
        after = served(c, wrote, whole && wrote);
      }
    }
    worked(c, after);
  });
}

void session_runner::dropped(connection& c) noexcept {
  event_loop::of(c).resume(c);  // this thread must go on watching connections or deadlines
}

void session_runner::run(connection& c) noexcept {
  step(c, &session_runner::work_on);
}

void session_runner::work_on(connection& c) {
  watcher_.check(c.fd(), c.watch_generation);  // a free worker may be faster than the watcher
  auto after = action::finish;
  if (c.request()->ctx().done()) {
    after = ended_early(c);
  } else if (!serve(c, false, after)) {
    return;
  }
  worked(c, after);
}

// What follows work that was not done by a front thread.
void session_runner::worked(connection& c, action after) {
  if (after == action::finish) {
    after = finished(c);
  }
  if (after == action::next && !c.session.received().empty()) {
    after = action::yield;  // further requests are read by the event loop, not by this thread
  }
  go_on(c, after);
}

// The context ended before the handler was called, so it will not be called.
session_runner::action session_runner::ended_early(connection& c) {
  const auto what = c.session.ended_early(status_of(end_of(c.request()->ctx().cause()->kind)),
                                          c.request()->told_of_operator());
  if (what == action::drop) {
    finish(c);
    return what;
  }
  return refused(c);
}

template <class Run>
bool session_runner::work(connection& c, Run& run, bool (Run::*part)()) {
  exchange& x = c.in_flight();
  const late_report report{saturated(how_.late_after),
                           [&](const late_stopper& l) { tell_late(c, l); }};
  const late_watch watch(x.ctx(), report, x.to().path, {});
  bool whole = false;
  try {
    whole = (run.*part)();
  } catch (...) {
    broken_by(x, std::current_exception());
  }
  return whole && run.wrote();
}

// Returns false if the connection belongs to a deferred answer now. Otherwise `after` is what is to
// be done.
bool session_runner::serve(connection& c, bool on_the_spot, action& after) {
  exchange& x = c.in_flight();
  c.now.store(phase::running, std::memory_order_relaxed);
  x.running(clock::now());
  if (hosted_ != nullptr) {
    hosted_run run(c, how_, watcher_, draining_, *hosted_);
    const bool all = work(c, run, &hosted_run::run);
    after = served(c, run.wrote(), all);
    return true;
  }
  handler_run run(c, how_, watcher_, draining_, on_the_spot);
  const bool whole = work(c, run, &handler_run::run);
  if (c.later) {
    return await_answer(c, after);
  }
  after = served(c, run.wrote(), whole);
  return true;
}

// For a deferred answer: gives up the connection until there is one, or the context ends. Returns
// as serve() does.
bool session_runner::await_answer(connection& c, action& after) {
  if (c.request()->to().is_on_the_spot()) {
    event_loop::of(c).turn_away(c);
    if (how_.read_ahead > 0) {
      c.ahead_limit = how_.read_ahead;
      watcher_.read_ahead(c.fd(), c);
    }
  }
  c.in_flight().deferred(true);
  const auto later = c.later;  // when wait() returns, the connection may be another thread's
  if (later->wait([&c] { event_loop::of(c).resume(c); })) {
    return false;
  }
  after = answer_deferred(c);
  return true;
}

session_runner::action session_runner::answer_deferred(connection& c) {
  c.in_flight().deferred(false);
  watcher_.stop_reading(c.fd());
  handler_run run(c, how_, watcher_, draining_, true);
  const bool whole = work(c, run, &handler_run::run_deferred);
  return served(c, run.wrote(), whole);
}

session_runner::action session_runner::served(connection& c, bool anything, bool whole) {
  exchange& x = c.in_flight();
  x.work_over(clock::now());
  // If a drain began after the head was sent, a connection for which keep-alive was promised is not
  // closed: the next request may already be on its way.
  return answered(c, anything, whole);
}

session_runner::action session_runner::answer_without_route(connection& c,
                                                            const route_table::found& hit) {
  const bool is_options = c.session.head().method == "OPTIONS";
  c.session.accept_none();
  if (hit.allow.empty()) {
    return answer(c, 404, "there is nothing at this path");
  }
  const auto allow = "Allow: " + hit.allow + "\r\n";
  return is_options ? answer(c, 204, {}, allow)
                    : answer(c, 405, "the methods here are " + hit.allow, allow);
}

// What a guard says is the program's own text.
session_runner::action session_runner::deny(connection& c, const denial& why) {
  c.session.accept_none();
  std::string lines;
  append_checked_lines(why.headers, lines);
  const bool is_final = why.status >= 200 && why.status <= 599;
  return answer(c, is_final ? why.status : 500, why.detail, lines);
}

session_runner::action session_runner::answer(connection& c, int status, std::string_view detail,
                                              std::string_view headers) {
  exchange& x = c.in_flight();
  watcher_.stop_reading(c.fd());
  if (draining_ || c.input_closed ||
      (c.session.keeps() && !c.session.body().complete() && !c.discard_rest_of_body())) {
    c.session.close_after();
  }
  const auto text = whole_error(how_,
                                {.status = status,
                                 .detail = detail,
                                 .request_id = x.id(),
                                 .headers = headers,
                                 .keep_alive = c.session.keeps(),
                                 .to_head = c.session.to_head()},
                                c.incoming.get());
  x.has_status(status);
  x.answering();
  return answered(c, true, c.send_now(text));
}

// All that there is of the answer has been handed to the kernel or to the connection's own buffer.
session_runner::action session_runner::answered(connection& c, bool anything, bool complete) {
  c.in_flight().answered(anything, complete);
  return c.session.answered(complete, c.unsent() > 0);
}

session_runner::action session_runner::finished(connection& c) {
  const bool silent = c.request()->is_silent();
  finish(c);
  return c.session.finished(silent, silent || !c.session.keeps() || c.discard_rest_of_body());
}

session_runner::action session_runner::output_ready(connection& c) {
  return answered(c, true, !c.request()->cut_off() && c.flush_now());
}

void session_runner::tell_late(connection& c, const late_stopper& l) const noexcept {
  c.in_flight().late(!l.over);
  const auto report = c.request()->late_report(c.client(), l.why, l.since_end, l.over);
  for (auto* o : observers_) {
    o->late(report);
  }
}

void session_runner::finish(connection& c) noexcept {
  exchange& x = c.in_flight();
  if (!x.to().is_on_the_spot() || c.later) {
    watcher_.stop_reading(c.fd());
  }
  if (c.settle_ahead()) {
    x.reached(limit::read_ahead);
  }
  if (x.over() != limit::none) {
    tell(x.over());
  }
  if (follower_ != nullptr) {
    c.look_at_request([](exchange& of) { of.stop_following(); });
  }
  const auto report = x.finish(c.client(), clock::now());
  for (auto* o : observers_) {
    o->ended(report);
  }
  if (hosted_ != nullptr && c.incoming && !report.work_began) {
    hosted_->server.never_served(*c.incoming, x.ctx(), report.status);
  }
  if (x.has_place()) {
    places_.give_back(x.to());
  }
  c.reset_at_close = x.seems_whole();
  x.close();
  c.since = {};
  if (c.later) {
    c.later->close();
    c.later.reset();
  }
  c.incoming.reset();
  c.end_request();
  if (in_flight_.fetch_sub(1) == 1 && draining_) {
    all_connections_.notify();
  }
}
}  // namespace hangup::http
