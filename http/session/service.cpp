#include "http/session/service.h"

#include <sys/socket.h>
#include <unistd.h>

#include <new>

#include "hangup/context/wait.h"
#include "http/wire/answer_head.h"

namespace hangup::http {
namespace {

constexpr int most_reads = 64;  // of 16 KiB each; a client that keeps sending is cut off

// For an incomplete head of which `before` bytes had arrived earlier. A head that arrives byte by
// byte is not parsed again for each byte, but for each line, and within a long line every 1024
// bytes.
bool is_worth_a_look(std::string_view received, std::size_t before) noexcept {
  constexpr std::size_t now_and_then = 1024;
  return received.find('\n', before) != std::string_view::npos ||
         received.size() / now_and_then != before / now_and_then;
}

// An answer that was cut off and whose end is marked only by the close: a reset is the only way to
// show that it is incomplete.
bool seems_whole(const connection& c) noexcept {
  return c.answer.ends_by_close && !c.answer.complete;
}

}  // namespace

service::service(const options& how, const route_table& routes, std::vector<observer*> observers,
                 std::shared_ptr<const tls_identity> as)
    : how_(how),
      routes_(routes),
      observers_(std::move(observers)),
      all_(with_cancel(background())),
      identity_(std::move(as)),
      front_(how, *this) {}

service::~service() {
  front_.stop_listening();
  end_all();
  static_cast<void>(close_all(background()));
  front_.stop();
}

// Handles whatever a step throws. A step does not throw after it has given up the connection.
void service::step(connection& c, void (service::*what)(connection&)) noexcept {
  try {
    (this->*what)(c);
  } catch (const std::bad_alloc&) {
    tell(limit::memory);
    abandon(c, "out of memory");
  } catch (...) {
    abandon(c, "an exception");
  }
}

// Ends the connection without an answer, since one that has been partly sent cannot be continued.
// Needs no memory.
void service::abandon(connection& c, const char* why) noexcept {
  if (c.request) {
    if (c.request->broken.empty()) {
      c.request->broken = why;  // short enough to need no allocation
    }
    c.answer.complete = false;
    finish(c);
  }
  close(c);
}

void service::accepted(descriptor socket, peer ends) noexcept {
  connection* c = nullptr;
  try {
    c = admitted(std::move(socket), std::move(ends));
  } catch (const std::exception&) {
    tell(limit::memory);
  }
  if (c != nullptr) {
    step(*c, &service::greet);
  }
}

// Returns null if the connection was not accepted and has been closed.
connection* service::admitted(descriptor socket, peer ends) {
  const int fd = socket.get();
  std::shared_ptr<const tls_identity> as;
  {
    const std::lock_guard hold(lot_);
    as = identity_;
  }
  auto tls = as ? std::make_unique<tls_session>(*as, fd) : nullptr;
  std::unique_ptr<connection> c(
      new connection(std::move(socket), std::move(ends), std::move(tls), how_, *this));
  // The descriptor number is too large, or there is no memory.
  if (watcher_.watch(fd, c->heard_as)) {
    return nullptr;
  }
  if (front_.adopt(*c)) {
    watcher_.forget(fd);
    return nullptr;
  }
  if (!admit(*c)) {
    watcher_.forget(fd);
    front_.forget(*c);
    return nullptr;
  }
  return c.release();  // the connection owns itself from now on: close() deletes it
}

// Connections over the limit are accepted only to be sent a 503, and only a few at a time.
bool service::admit(connection& c) noexcept {
  constexpr std::size_t refused_at_once = 64;
  auto over = limit::none;
  bool in = false;
  {
    const std::lock_guard hold(lot_);
    if (closing_.made()) {
      return false;
    }
    std::size_t* from_here = nullptr;
    if (count_ - refused_ >= how_.max_connections) {
      over = limit::connections;
    } else if (const auto most = how_.max_connections_per_address; most != 0) {
      try {
        from_here = &by_address_[c.ends().remote_address];
        over = *from_here >= most ? limit::connections_per_address : limit::none;
      } catch (const std::bad_alloc&) {
        over = limit::memory;
      }
    }
    in = over == limit::none ||
         (over != limit::memory && c.tls() == nullptr && refused_ < refused_at_once);
    if (in) {
      ++count_;
      if (over != limit::none) {
        ++refused_;
      } else if (from_here != nullptr) {
        ++*from_here;
      }
      c.refused = over;
      c.lot_next = first_;
      if (first_ != nullptr) {
        first_->lot_prev = &c;
      }
      first_ = &c;
    }
  }
  if (over != limit::none) {
    tell(over);
  }
  return in;
}

// The first step of a connection.
void service::greet(connection& c) {
  if (c.refused != limit::none) {
    const auto* const why = c.refused == limit::connections
                                ? "too many connections to the server"
                                : "too many connections from this address";
    static_cast<void>(
        c.send_now(whole_text({.status = 503, .detail = why, .headers = "Retry-After: 1\r\n"})));
    linger(c);
  } else if (c.tls() != nullptr) {
    shake_hands(c);
  } else {
    park(c, phase::idle, how_.idle_timeout);
  }
}

void service::tell(limit reached) const noexcept {
  for (auto* o : observers_) {
    o->reached(reached);
  }
}

void service::use_tls(std::shared_ptr<const tls_identity> as) noexcept {
  const std::lock_guard hold(lot_);
  identity_.swap(as);
}

void service::shake_hands(connection& c) {
  switch (const auto how = c.shake_hands()) {
    case tls_session::io::done:
      c.since = {};
      c.now.store(phase::idle, std::memory_order_relaxed);
      readable(c);
      return;
    case tls_session::io::want_input:
    case tls_session::io::want_room:
    case tls_session::io::more:
      if (closing_.made()) {
        close(c);
        return;
      }
      park(c, phase::shaking, how_.handshake_timeout, how == tls_session::io::want_room);
      return;
    case tls_session::io::failed:
      tell(limit::handshake);
      linger(c);  // the TLS alert tells the client why
      return;
    case tls_session::io::plain_http:
      tell(limit::handshake);
      c.answer_plainly();
      c.since = {};
      c.now.store(phase::idle, std::memory_order_relaxed);
      readable(c);
      return;
    case tls_session::io::closed:
    case tls_session::io::cut_off:
    case tls_session::io::reset:
    case tls_session::io::only_work:
      break;
  }
  close(c);
}

void service::close(connection& c) noexcept {
  watcher_.forget(c.fd());
  if (c.tls() != nullptr && c.tls()->only_works()) {
    tell(limit::tls_work);
  }
  if (seems_whole(c)) {
    const struct ::linger reset = {1, 0};
    static_cast<void>(::setsockopt(c.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)));
  } else if (c.tls() != nullptr) {
    c.tls()->close();
  }
  front_.forget(c);
  {
    const std::lock_guard hold(lot_);
    for (auto* p = passes_; p != nullptr; p = p->next) {
      p->at = p->at == &c ? c.lot_next : p->at;
    }
    (c.lot_prev != nullptr ? c.lot_prev->lot_next : first_) = c.lot_next;
    if (c.lot_next != nullptr) {
      c.lot_next->lot_prev = c.lot_prev;
    }
    if (const auto here = by_address_.find(c.ends().remote_address);
        c.refused == limit::none && here != by_address_.end() && --here->second == 0) {
      by_address_.erase(here);
    }
  }
  const bool refused = c.refused != limit::none;
  delete &c;
  front_.descriptor_freed();
  // This comes last, because the destructor waits for it: afterwards the service may not exist any
  // more.
  const std::lock_guard hold(lot_);
  --count_;
  refused_ -= refused ? 1 : 0;
  if (closing_.made()) {
    changed_.notify_all();
  }
}

void service::ready(connection& c) noexcept {
  step(c, &service::look_at);
}

void service::look_at(connection& c) {
  const auto as = c.now.load(std::memory_order_relaxed);
  if (as == phase::queued || c.later) {
    watcher_.stop_reading(c.fd());  // from here on its input belongs to this thread
  }
  front_.catch_up(c);
  if (!c.take()) {
    too_late(c);
    return;
  }
  if (std::exchange(c.yielded, false)) {
    go_on(c, next(c));
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
      go_on(c, settle_unstarted(c));
      break;
    case phase::running:  // its deferred answer is there, or its context has ended
      go_on(c, c.later ? answer_deferred(c) : next(c));
      break;
    case phase::writing:
      go_on(c, output_ready(c));
      break;
    case phase::lingering:
      lingering(c);
      break;
  }
}

void service::go_on(connection& c, then what) {
  while (what == then::next) {
    what = next(c);
  }
  if (what == then::close) {
    linger(c);
  } else if (what == then::drop) {
    drop(c);
  }
}

void service::readable(connection& c) {
  const auto before = c.received().size();
  const auto got = c.receive();
  const auto seen = connection::seen_by(got);
  const auto as = c.now.load(std::memory_order_relaxed);
  const bool within_a_line = got == connection::io::some && as == phase::reading && !c.request &&
                             !is_worth_a_look(c.received(), before);
  if ((got == connection::io::again || within_a_line) && !closing_.made()) {
    c.request ? park(c, as, how_.body_timeout)
              : park(c, as, as == phase::idle ? how_.idle_timeout : how_.head_timeout);
    return;
  }
  if (got == connection::io::some) {
    go_on(c, c.request ? body_arrived(c) : next(c));
    return;
  }
  if (c.request) {  // the client left, or the server is stopping, before the body was complete
    c.request->scope.cancel(got == connection::io::again
                                ? cause{.kind = cause_kind::shutdown}
                                : how_left(c, seen));  // unless it has already ended
    go_on(c, settle_unstarted(c));
    return;
  }
  close(c);
}

// `since` is kept while the connection waits for the same thing, so that arriving bytes do not
// prolong the wait.
void service::park(connection& c, phase as, std::chrono::milliseconds patience, bool for_room) {
  const auto now = clock::now();
  if (c.now.load(std::memory_order_relaxed) != as || c.since == clock::time_point{}) {
    c.since = now;
  }
  last_call::rest(c.now, as);
  const bool called = closing_.made() || (ending_.made() && c.request);
  auto until = later(c.since, patience);
  if (c.request) {  // it waits for its body, or for the client to read the answer
    until = as == phase::writing ? c.going.wait(now) : c.coming.wait(now);
    until = std::min(until, c.request->ctx.deadline().value_or(until));
  }
  c.park_until(until);
  if (called || (c.request && c.request->cut_off())) {
    overdue(c);  // the thread that wakes parked connections may have come before
  }
  as == phase::writing || for_room || c.reads_when_writable() ? front_.park_for_room(c)
                                                              : front_.park_for_input(c);
}

// The connection has more input than is fair to handle at once: it continues after the connections
// that are ready now.
void service::yield(connection& c) noexcept {
  c.yielded = true;
  c.now.store(phase::reading,
              std::memory_order_relaxed);  // part of its next request has already been read
  front_.resume(c);
}

cause service::how_left(connection& c, departure seen) noexcept {
  if (seen == departure::cut_off && c.tls() != nullptr && c.tls()->only_works()) {
    seen = departure::shown_out;
  }
  return cause_of(watcher_.look(c.fd(), seen));
}

bool service::may_keep(std::ptrdiff_t bytes) noexcept {
  return ahead_.fetch_add(bytes, std::memory_order_relaxed) + bytes <
         static_cast<std::ptrdiff_t>(how_.read_ahead_total);
}

// Called on the timer thread. A parked connection is woken by closing its input, because only its
// owner may act on it.
void service::overdue(connection& c) noexcept {
  watcher_.mute(c.fd());
  // A connection that waits for room to write only notices a full close.
  const bool writing = c.now.load(std::memory_order_relaxed) == phase::writing;
  ::shutdown(c.fd(), writing ? SHUT_RDWR : SHUT_RD);
}

void service::too_late(connection& c) {
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
      c.keep_alive = false;
      if (!c.request) {
        c.is_head = false;
        begin(c, routes_.none(), {});
        c.request->over = limit::head_time;
      } else if (c.request->overdue()) {
        go_on(c, settle_unstarted(c));
        return;
      }
      if (c.request->over == limit::none) {
        c.request->over = limit::body_time;
      }
      go_on(c, answer(c, 408, "the request did not arrive in time"));
      return;
    case phase::writing:
      if (!c.request->overdue()) {
        c.request->over = limit::write_time;
        c.request->scope.cancel({.kind = cause_kind::write_timeout});
      }
      c.answer.complete = false;
      finish(c);
      close(c);
      return;
    case phase::queued:
    case phase::running:
      go_on(c, then::close);
      return;
  }
}

// Closes in such a way that the client can read the answer. A close with unread input would send a
// reset, which destroys data that is still on its way (RFC 9112 9.6).
void service::linger(connection& c) {
  if (c.now.load(std::memory_order_relaxed) == phase::lingering || seems_whole(c)) {
    close(c);
    return;
  }
  if (c.tls() != nullptr) {
    c.tls()->close();
  }
  if (::shutdown(c.fd(), SHUT_WR) != 0) {
    close(c);
    return;
  }
  c.consume(c.received().size());
  c.since = {};
  c.now.store(phase::lingering, std::memory_order_relaxed);
  lingering(c);
}

// Data that was sent before may still be on its way, and a close with unread input would reset the
// connection.
void service::drop(connection& c) {
  for (int i = 0; i < most_reads && c.discard() == connection::io::some; ++i) {
  }
  close(c);
}

void service::lingering(connection& c) {
  for (int i = 0; i < most_reads && !closing_.made(); ++i) {
    switch (c.discard()) {
      case connection::io::some:
        break;
      case connection::io::again:
        park(c, phase::lingering, how_.linger_timeout);
        return;
      case connection::io::closed:
      case connection::io::cut_off:
      case connection::io::failed:
        close(c);
        return;
    }
  }
  close(c);
}

std::error_code service::wait_idle(const context& ctx) {
  std::unique_lock hold(lot_);
  return wait(ctx, changed_, hold, [this] { return in_flight_.load() == 0; });
}

void service::end_all() noexcept {
  draining_ = true;
  all_.cancel({.kind = cause_kind::shutdown});
  ending_.make();
  wake_parked(true);
}

std::error_code service::close_all(const context& ctx) {
  draining_ = true;
  closing_.make();
  wake_parked(false);
  std::unique_lock hold(lot_);
  return wait(ctx, changed_, hold, [this] { return count_ == 0; });
}

// Called after a last_call. Parked connections are woken by closing their input; the owner then
// finds that they are to end.
void service::wake_parked(bool only_requests) noexcept {
  const std::lock_guard hold(lot_);
  for (connection* c = first_; c != nullptr; c = c->lot_next) {
    const auto as = last_call::seen(c->now);
    if (as == phase::running || as == phase::queued) {
      continue;  // not parked: its owner learns of the call when it parks it
    }
    const std::lock_guard looking(c->guard);
    if (!only_requests || c->request) {
      overdue(*c);
    }
  }
}

}  // namespace hangup::http
