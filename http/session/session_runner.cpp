#include "http/session/session_runner.h"

#include <sys/socket.h>

#include <new>

#include "hangup/http/causes.h"

namespace hangup::http {

session_runner::session_runner(const options& how, const route_table& routes,
                               std::vector<observer*> observers, follower* by,
                               std::shared_ptr<const tls_identity> as, const hosted_rules* hosted)
    : how_(how),
      routes_(routes),
      observers_(std::move(observers)),
      follower_(by),
      hosted_(hosted),
      all_(with_cancel(background())),
      places_(routes.all().size()),
      all_connections_(how),
      identity_(std::move(as)),
      loops_(how, *this) {}

session_runner::~session_runner() {
  loops_.accepting().stop_listening();
  end_all();
  static_cast<void>(close_all(background()));
  loops_.stop();
}

// In a catch block.
void session_runner::failed(connection& c) noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    tell(limit::memory);
    abandon(c, "out of memory");
  } catch (...) {
    abandon(c, "an exception");
  }
}

// Ends the connection without an answer, since one that has been partly sent cannot be continued.
// Needs no memory.
void session_runner::abandon(connection& c, const char* why) noexcept {
  if (c.request()) {
    c.in_flight().broke_at_last(why);
    c.in_flight().cut_short();
    finish(c);
  }
  close(c);
}

void session_runner::tell(limit reached) const noexcept {
  for (auto* o : observers_) {
    o->reached(reached);
  }
}

// All that is ever parked here is a connection.
void session_runner::ready(parkable& c) noexcept {
  step(static_cast<connection&>(c), &session_runner::look_at);
}

void session_runner::look_at(connection& c) {
  const auto as = c.now.load(std::memory_order_relaxed);
  if (as == phase::queued || c.later) {
    watcher_.stop_reading(c.fd());  // from here on its input belongs to this thread
  }
  event_loop::of(c).catch_up(c);
  if (!c.take()) {
    too_late(c);
    return;
  }
  if (std::exchange(c.yielded, false)) {
    go_on(c, action::next);
    return;
  }
  switch (as) {
    case phase::shaking:
      shake_hands(c);
      break;
    case phase::idle:
    case phase::reading:
      readable(c);
      break;
    case phase::queued:  // it was dropped from the queue
      go_on(c, ended_early(c));
      break;
    case phase::waiting:  // only shown
    case phase::running:  // its deferred answer is there, or its context has ended
      go_on(c, c.later ? answer_deferred(c) : action::next);
      break;
    case phase::writing:
      go_on(c, output_ready(c));
      break;
    case phase::lingering:
      lingering(c);
      break;
  }
}

void session_runner::go_on(connection& c, action what) {
  for (;;) {
    switch (what) {
      case action::proceed:
        static_cast<void>(c.send_now("HTTP/1.1 100 Continue\r\n\r\n"));
        park(c);
        return;
      case action::wait:
        park(c);
        return;
      case action::next:
        what = c.session.next(closing_);
        break;
      case action::begin:
        what = begun(c);
        break;
      case action::refuse:
        what = refused(c);
        break;
      case action::start:
        if (!start(c, what)) {
          return;
        }
        break;
      case action::left:
        what = ended_early(c);
        break;
      case action::finish:
        what = finished(c);
        break;
      case action::cut_off:
        if (!c.in_flight().overdue()) {
          c.in_flight().reached(limit::write_time);
          c.in_flight().cancel({.kind = causes::write_timeout});
        }
        c.in_flight().cut_short();
        finish(c);
        close(c);
        return;
      case action::yield:
        yield(c);
        return;
      case action::linger:
        linger(c);
        return;
      case action::drop:
        drop(c);
        return;
      case action::close:
        close(c);
        return;
    }
  }
}

void session_runner::readable(connection& c) {
  switch (const auto got = c.receive()) {
    case connection::io::some:
      go_on(c, c.session.arrived(closing_));
      return;
    case connection::io::again:
      if (c.request() && closing_) {
        c.in_flight().cancel({.kind = cause_kind::shutdown});  // unless it has already ended
      }
      go_on(c, c.session.nothing_arrived(closing_));
      return;
    case connection::io::closed:
    case connection::io::cut_off:
    case connection::io::failed:
      c.client_left(c.seen_by(got));
      go_on(c, c.session.input_ended());
      return;
  }
}

// Waits for what the session waits for.
void session_runner::park(connection& c) {
  switch (c.session.at()) {
    case http1::state::between:
      park(c, phase::idle, how_.idle_timeout);
      return;
    case http1::state::head:
      park(c, phase::reading, how_.head_timeout);
      return;
    case http1::state::body:
    case http1::state::work:
      park(c, phase::reading, how_.body_timeout);
      return;
    case http1::state::room:
      park(c, phase::writing, how_.write_timeout);
      return;
  }
}

// `since` is kept while the connection waits for the same thing, so that arriving bytes do not
// prolong the wait.
void session_runner::park(connection& c, phase as, std::chrono::milliseconds patience,
                          bool for_room) {
  const auto now = clock::now();
  if (c.now.load(std::memory_order_relaxed) != as || c.since == clock::time_point{}) {
    c.since = now;
  }
  c.now.store(as, std::memory_order_relaxed);
  auto until = later(c.since, patience);
  if (c.request()) {  // it waits for its body, or for the client to read the answer
    until = as == phase::writing ? c.going.wait(now) : c.coming.wait(now);
    until = std::min(until, c.request()->ctx().deadline().value_or(until));
  }
  c.park_until(until);
  // The thread that wakes parked connections may have come before.
  if (closing_ || (c.request() && (ending_ || c.request()->cut_off()))) {
    c.wake_parked();
  }
  as == phase::writing || for_room || c.reads_when_writable() ? event_loop::of(c).park_for_room(c)
                                                              : event_loop::of(c).park_for_input(c);
}

// The connection has more input than is fair to handle at once: it continues after the connections
// that are ready now.
void session_runner::yield(connection& c) noexcept {
  c.yielded = true;
  c.now.store(phase::reading,
              std::memory_order_relaxed);  // part of its next request has already been read
  event_loop::of(c).resume(c);
}

cause session_runner::how_left(connection& c, departure seen) noexcept {
  if (seen == departure::cut_off && c.tls() != nullptr && c.tls()->only_works()) {
    seen = departure::shown_out;
  }
  return cause_of(watcher_.look(c.fd(), seen));
}

bool session_runner::reserve_read_ahead(std::ptrdiff_t bytes) noexcept {
  return ahead_.fetch_add(bytes, std::memory_order_relaxed) + bytes <
         static_cast<std::ptrdiff_t>(how_.read_ahead_total);
}

// A parked connection is woken by closing its input, because only its owner may act on it.
void session_runner::wake(connection& c) noexcept {
  watcher_.mute(c.fd());
  c.input_closed = true;
  // A connection that waits for room to write only notices a full close.
  const bool writing = c.now.load(std::memory_order_relaxed) == phase::writing;
  ::shutdown(c.fd(), writing ? SHUT_RDWR : SHUT_RD);
}

void session_runner::too_late(connection& c) {
  switch (c.now.load(std::memory_order_relaxed)) {
    case phase::shaking:
      tell(limit::handshake_time);
      close(c);
      return;
    case phase::idle:
      tell(limit::idle_time);
      close(c);
      return;
    case phase::lingering:
      close(c);
      return;
    case phase::reading:
    case phase::writing:
    case phase::queued:
    case phase::running:
    case phase::waiting:
      go_on(c, c.request() && c.session.at() == http1::state::body && c.request()->overdue()
                   ? ended_early(c)
                   : c.session.timed_out());
      return;
  }
}

std::error_code session_runner::wait_idle(const context& ctx) {
  return all_connections_.wait_until(ctx, [this] { return in_flight_.load() == 0; });
}

void session_runner::end_all() noexcept {
  draining_ = true;
  all_.cancel({.kind = cause_kind::shutdown});
  ending_ = true;
  wake_parked(true);
}

std::error_code session_runner::close_all(const context& ctx) {
  draining_ = true;
  closing_ = true;
  wake_parked(false);
  return all_connections_.wait_until(ctx, [this] { return all_connections_.is_empty(); });
}

// The owner of a connection that is not parked learns of it when it parks it.
void session_runner::wake_parked(bool only_requests) noexcept {
  all_connections_.each_at_once([&](connection& c) {
    bool wakes = !only_requests;
    c.look_at_request([&](const exchange&) { wakes = true; });
    if (wakes) {
      c.wake_parked();
    }
  });
}

}  // namespace hangup::http
