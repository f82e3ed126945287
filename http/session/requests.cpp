// The part of service.h that handles requests, from the head to the reported end.
#include <algorithm>
#include <limits>

#include "hangup/http/request.h"
#include "http/run/deferral.h"
#include "http/run/incoming.h"
#include "http/run/turn.h"
#include "http/session/service.h"
#include "http/wire/answer_head.h"
#include "http/wire/random_hex.h"

namespace hangup::http {
namespace {

constexpr unsigned in_a_row = 16;  // requests on one connection before others are served

// If there is no memory for the text, it is empty: the request still ends and is reported.
std::string in_words(const cause& why) noexcept {
  try {
    return describe(why);
  } catch (const std::bad_alloc&) {
    return {};
  }
}

}  // namespace

service::then service::next(connection& c) {
  c.consume(leading_empty_lines(c.received()));
  if (closing_.made()) {
    return then::close;
  }
  if (c.received().empty()) {
    c.served = 0;
    park(c, phase::idle, how_.idle_timeout);
    return then::parked;
  }
  if (c.served == in_a_row) {
    c.served = 0;
    yield(c);
    return then::parked;
  }
  thread_local request_head
      head;  // it keeps its memory; the views in it are valid in this call only
  refusal why;
  const auto found = read_head(c.received(), how_.head, head, why);
  if (found == head_is::incomplete) {
    park(c, phase::reading, how_.head_timeout);
    return then::parked;
  }
  if (found == head_is::refused || c.wants_tls()) {
    c.keep_alive = false;
    c.is_head = head.method == "HEAD";
    c.body = {};
    begin(c, routes_.none(), head);
    c.request->over = why.over;
    return answer(c, why.status, why.detail, why.headers);
  }
  ++c.served;
  return received(c, head);
}

service::then service::received(connection& c, const request_head& head) {
  c.keep_alive = head.keep_alive && head.http_1_1;  // with HTTP/1.0 the close ends the answer
  c.is_head = head.method == "HEAD";
  const auto hit = routes_.find(head.method, head.path, head.encoded);
  const bool wanted = hit.to == nullptr || takes_body(head.method);
  // Without a pool no thread waits for the body, so it must fit into the buffer. A body that is
  // discarded as it arrives may have any size.
  const auto largest = !wanted ? std::numeric_limits<std::uint64_t>::max()
                       : hit.to != nullptr && hit.to->runs_on == nullptr
                           ? std::min(how_.max_body, how_.body_buffer)
                           : how_.max_body;
  c.body = head.chunked ? body_scan::of_chunks(largest, how_.head)
                        : body_scan::of_length(head.content_length, largest);
  c.body_taken = 0;
  c.takes_body = false;
  c.is_last = !c.keep_alive;
  begin(c, hit.to != nullptr ? *hit.to : routes_.none(), head);
  if (hit.to == nullptr) {
    c.keep_alive = c.keep_alive && !head.has_body();
    const bool is_options = head.method == "OPTIONS";
    c.consume(head.size);  // the views in `head` end here
    if (hit.allow.empty()) {
      return answer(c, 404, "there is nothing at this path");
    }
    const auto allow = "Allow: " + hit.allow + "\r\n";
    return is_options ? answer(c, 204, {}, allow)
                      : answer(c, 405, "the methods here are " + hit.allow, allow);
  }
  c.wants_continue = head.expects_continue;
  c.takes_body = wanted;
  c.incoming = request_for_handler(head, hit.segment, c.ends());
  c.consume(head.size);  // the views in `head` end here
  return body_arrived(c);
}

service::then service::body_arrived(connection& c) {
  if (!c.take_body()) {
    c.keep_alive = false;
    const auto why = c.body.why();
    c.request->over = why.over;
    return answer(c, why.status, why.detail);
  }
  const bool may_go_on = c.request->to.runs_on != nullptr || !c.takes_body;
  if (c.body.complete() || (may_go_on && c.body_taken >= how_.body_buffer)) {
    return start(c);
  }
  if (c.wants_continue && c.body_taken == 0) {
    static_cast<void>(c.send_now("HTTP/1.1 100 Continue\r\n\r\n"));
  }
  c.wants_continue = false;
  park(c, phase::reading, how_.body_timeout);
  return then::parked;
}

void service::begin(connection& c, const route& to, const request_head& head) {
  std::string id = head.request_id.empty() ? random_hex(16) : std::string(head.request_id);
  const auto policy = to.on_half_close.value_or(how_.on_half_close);
  std::string method(head.method);
  std::string target(head.target);
  {
    const std::lock_guard hold(c.guard);
    c.request.emplace(
        all_.ctx, to,
        request_stamp(std::move(id), trace::continued(head.traceparent, head.tracestate),
                      c.client_key()),
        clock::now(), head.patience, watcher_.announced(c.fd(), c.heard_as, policy));
    c.request->method = std::move(method);
    c.request->target = std::move(target);
  }
  in_flight_.fetch_add(1);  // nothing below throws: a request that has begun must also end
  c.answer = {};
  c.coming.restart();
  c.going.restart();
  for (auto* o : observers_) {
    o->began(to);
  }
  if (const auto gone = watcher_.begin(c.fd(), c.request->scope.ctx, policy);
      gone != departure::none) {
    c.request->scope.cancel(cause_of(gone));
  }
}

service::then service::start(connection& c) {
  exchange& x = *c.request;
  if (x.ctx.done()) {
    return settle_unstarted(c);
  }
  if (x.to.runs_on == nullptr) {
    return serve(c, true);
  }
  x.life.advance(request_state::queued);
  c.now.store(phase::queued, std::memory_order_relaxed);
  front_.turn_away(c);
  if (how_.read_ahead > 0) {
    c.ahead_limit = how_.read_ahead;
    watcher_.read_ahead(c.fd(), c);
  }
  const auto ec = x.to.runs_on->post(x.ctx, c, c.client_key());
  if (!ec) {
    return then::parked;  // the pool owns the connection, or the job has already run
  }
  if (x.ctx.done()) {
    return settle_unstarted(c);
  }
  x.over = ec == pool_errc::share  ? limit::client_share
           : ec == pool_errc::full ? limit::queue
                                   : limit::none;
  return answer(c, 503, x.to.runs_on->why_not(ec), "Retry-After: 1\r\n");
}

void service::dropped(connection& c) noexcept {
  front_.resume(c);  // this thread must go on watching connections or deadlines
}

void service::run(connection& c) noexcept {
  step(c, &service::work_on);
}

void service::work_on(connection& c) {
  watcher_.check(c.fd(), c.heard_as);  // a free worker may be faster than the watcher
  const auto after = c.request->ctx.done() ? settle_unstarted(c) : serve(c, false);
  if (after == then::next && !c.received().empty()) {
    yield(c);  // further requests are read by the front, not by a worker
  } else {
    go_on(c, after);
  }
}

// The context ended before the handler was called, so it will not be called.
service::then service::settle_unstarted(connection& c) {
  switch (c.request->ctx.cause()->kind) {
    case cause_kind::deadline:
      return answer(c, 504, "the deadline of this request passed before its work began");
    case cause_kind::shutdown:
    case cause_kind::signal:
    case cause_kind::operator_request:
      c.keep_alive = false;
      return answer(c, 503, "the server ended this request before it was started",
                    "Retry-After: 1\r\n");
    default:
      finish(c);
      return then::drop;
  }
}

bool service::work(connection& c, turn& t, bool (turn::*part)()) {
  exchange& x = *c.request;
  const late_report report{saturated(how_.late_after),
                           [&](const late_stopper& l) { tell_late(c, l); }};
  const late_watch watch(x.ctx, report, x.to.path, {});
  bool whole = false;
  try {
    whole = (t.*part)();
  } catch (const canceled_error&) {  // thrown by a content provider; cpp-httplib lets it through
  } catch (const std::exception& e) {
    x.broken = e.what();
  } catch (...) {
    x.broken = "an exception that is not a std::exception";
  }
  return whole && t.wrote();
}

service::then service::serve(connection& c, bool on_the_spot) {
  exchange& x = *c.request;
  c.now.store(phase::running, std::memory_order_relaxed);
  x.life.advance(request_state::running);
  x.work_began = clock::now();
  turn t(c, how_, watcher_, draining_, on_the_spot);
  const bool whole = work(c, t, &turn::run);
  return c.later ? await_answer(c) : served(c, t, whole);
}

// For a deferred answer: gives up the connection until there is one, or the context ends.
service::then service::await_answer(connection& c) {
  if (c.request->to.runs_on == nullptr) {
    front_.turn_away(c);
    if (how_.read_ahead > 0) {
      c.ahead_limit = how_.read_ahead;
      watcher_.read_ahead(c.fd(), c);
    }
  }
  const auto later = c.later;  // when wait() returns, the connection may be another thread's
  return later->wait([this, &c] { front_.resume(c); }) ? then::parked : answer_deferred(c);
}

service::then service::answer_deferred(connection& c) {
  watcher_.stop_reading(c.fd());
  turn t(c, how_, watcher_, draining_, true);
  const bool whole = work(c, t, &turn::run_deferred);
  return served(c, t, whole);
}

service::then service::served(connection& c, const turn& t, bool whole) {
  exchange& x = *c.request;
  if (x.work_ended == clock::time_point{}) {
    x.work_ended = clock::now();
  }
  // If a drain began after the head was sent, a connection for which keep-alive was promised is not
  // closed: the next request may already be on its way.
  c.keep_alive = c.keep_alive && whole;
  c.answer.complete = whole;
  c.answer.status = t.wrote() ? x.status : 0;
  return answered(c);
}

service::then service::answer(connection& c, int status, std::string_view detail,
                              std::string_view headers) {
  exchange& x = *c.request;
  if (c.wants_tls()) {  // whatever else is wrong with the request
    status = 400;
    detail = "this port speaks TLS, and the request came without: use https://";
    headers = {};
  }
  watcher_.stop_reading(c.fd());
  const bool keep = c.keep_alive && !draining_ && (c.body.complete() || discard_rest(c));
  const auto text = whole_text({.status = status,
                                .detail = detail,
                                .request_id = x.stamp.id,
                                .headers = headers,
                                .keep_alive = keep,
                                .to_head = c.is_head});
  x.status = status;
  x.life.advance(request_state::writing);
  c.keep_alive = keep;
  c.answer.status = status;
  c.answer.complete = c.send_now(text);
  return answered(c);
}

// Called when the answer has been handed to the kernel or to the connection's own buffer.
service::then service::answered(connection& c) {
  if (c.unsent() > 0 && c.answer.complete) {
    park(c, phase::writing, how_.write_timeout);
    return then::parked;
  }
  const bool silent = c.answer.status == 0;
  finish(c);
  if (silent) {
    return then::drop;
  }
  return c.keep_alive && discard_rest(c) ? then::next : then::close;
}

service::then service::output_ready(connection& c) {
  if (c.request->cut_off() || !c.flush_now()) {
    c.answer.complete = false;
    c.keep_alive = false;
  }
  return answered(c);
}

void service::tell_late(connection& c, const late_stopper& l) const noexcept {
  exchange& x = *c.request;
  x.late.store(!l.over, std::memory_order_relaxed);
  for (auto* o : observers_) {
    o->late({x.stamp.id, x.method, x.target, c.client(), x.to, in_words(l.why), l.since_end, l.over,
             &x.stamp.journey});
  }
}

void service::report(const connection& c, request_end end, const cause* why,
                     clock::time_point now) const noexcept {
  const auto set = [](clock::time_point at) {
    return at == clock::time_point{} ? std::nullopt : std::optional(at);
  };
  const exchange& x = *c.request;
  request_report r{x.stamp.id, x.method, x.target, c.client(), x.to, end};
  r.status = client_left(end) ? 499 : c.answer.status;
  r.started = x.started;
  r.work_began = set(x.work_began);
  r.work_ended = set(x.work_ended);
  r.ended = now;
  r.broken = x.broken;
  r.journey = &x.stamp.journey;
  if (why != nullptr && !(c.answer.complete && !c.answer.left_before_last)) {
    r.cause = in_words(*why);
    r.context_ended = why->at;
    if (r.work_began) {
      const auto said = x.stamp.stopped.load(std::memory_order_relaxed);
      r.work_stopped =
          std::max(why->at, said != 0 ? clock::time_point(clock::duration(said)) : x.work_ended);
    }
  }
  for (auto* o : observers_) {
    o->ended(r);
  }
}

void service::finish(connection& c) noexcept {
  exchange& x = *c.request;
  watcher_.over(c.fd());
  if (c.settle_ahead() && x.over == limit::none) {
    x.over = limit::read_ahead;
  }
  if (x.over != limit::none) {
    tell(x.over);
  }
  const auto now = clock::now();
  const auto* const why = x.ctx.cause();
  const auto end = x.life.finish(why, c.answer);
  if (!observers_.empty()) {
    report(c, end, why, now);
  }
  x.scope.cancel({.kind = cause_kind::handler_returned});
  c.since = {};
  if (c.later) {
    c.later->close();
    c.later.reset();
  }
  c.incoming.reset();
  {
    const std::lock_guard hold(c.guard);
    c.request.reset();
  }
  if (in_flight_.fetch_sub(1) == 1 && draining_) {
    const std::lock_guard hold(lot_);
    changed_.notify_all();
  }
}

// Discards the rest of the body, if it has arrived or is small.
bool service::discard_rest(connection& c) {
  c.takes_body = false;
  constexpr int most = 16;  // reads of 16 KiB each
  for (int i = 0; i < most; ++i) {
    const bool well = c.take_body();  // includes what was read ahead
    if (c.body.complete()) {
      return true;
    }
    if (!well || c.receive() != connection::io::some) {
      return false;
    }
  }
  return false;
}

}  // namespace hangup::http
