// The part of session_runner.h that lets connections in and closes them.
#include <sys/socket.h>

#include <memory>
#include <mutex>
#include <utility>

#include "http/run/error_answer.h"
#include "http/session/session_runner.h"
#include "http/wire/answer_head.h"

namespace hangup::http {
namespace {

constexpr int most_reads = 64;  // of 16 KiB each; a client that keeps sending is cut off

}  // namespace

void session_runner::accepted(descriptor socket, peer addresses) noexcept {
  connection* c = nullptr;
  try {
    c = admitted(std::move(socket), std::move(addresses));
  } catch (const std::exception&) {
    tell(limit::memory);
  }
  if (c != nullptr) {
    step(*c, &session_runner::greet);
  }
}

// Returns null if the connection was not accepted and has been closed.
connection* session_runner::admitted(descriptor socket, peer addresses) {
  const int fd = socket.get();
  std::shared_ptr<const tls_identity> as;
  if (!addresses
           .is_unix) {  // nobody can listen in on a Unix socket, and its clients speak plain HTTP
    const std::lock_guard hold(identity_mutex_);
    as = identity_;
  }
  auto tls = as ? std::make_unique<tls_session>(*as, fd) : nullptr;
  std::unique_ptr<connection> c(new connection(std::move(socket), std::move(addresses),
                                               std::move(tls), how_, *this, all_.ctx));
  // The descriptor number is too large, or there is no memory.
  if (watcher_.watch(fd, c->over(), c->scope().cancel, c->policy, c->watch_generation)) {
    return nullptr;
  }
  if (loops_.next().adopt(*c)) {
    watcher_.forget(fd);
    return nullptr;
  }
  const auto admission = all_connections_.add(*c, closing_);
  if (admission.over != limit::none) {
    tell(admission.over);
  }
  if (!admission.in) {
    watcher_.forget(fd);
    event_loop::of(*c).forget(*c);
    return nullptr;
  }
  return c.release();  // the connection owns itself from now on: close() deletes it
}

// The first step of a connection.
void session_runner::greet(connection& c) {
  if (c.refused != limit::none) {
    const auto* const why = c.refused == limit::connections
                                ? "too many connections to the server"
                                : "too many connections from this address";
    static_cast<void>(c.send_now(whole_error(
        how_, {.status = 503, .detail = why, .headers = "Retry-After: 1\r\n"}, nullptr)));
    linger(c);
  } else if (c.tls() != nullptr) {
    shake_hands(c);
  } else {
    park(c, phase::idle, how_.idle_timeout);
  }
}

void session_runner::use_tls(std::shared_ptr<const tls_identity> as) noexcept {
  const std::lock_guard hold(identity_mutex_);
  identity_.swap(as);
}

void session_runner::shake_hands(connection& c) {
  switch (const auto how = c.shake_hands()) {
    case tls_session::io::plain_http:
      tell(limit::handshake);
      c.answer_plainly();
      [[fallthrough]];
    case tls_session::io::done:
      c.since = {};
      c.now.store(phase::idle, std::memory_order_relaxed);
      readable(c);
      return;
    case tls_session::io::want_input:
    case tls_session::io::want_room:
    case tls_session::io::more:
      if (closing_) {
        close(c);
        return;
      }
      park(c, phase::shaking, how_.handshake_timeout, how == tls_session::io::want_room);
      return;
    case tls_session::io::failed:
      tell(limit::handshake);
      linger(c);  // the TLS alert tells the client why
      return;
    case tls_session::io::closed:
    case tls_session::io::cut_off:
    case tls_session::io::reset:
    case tls_session::io::only_work:
      break;
  }
  close(c);
}

// Closes in such a way that the client can read the answer. A close with unread input would send a
// reset, which destroys data that is still on its way (RFC 9112 9.6).
void session_runner::linger(connection& c) {
  if (c.now.load(std::memory_order_relaxed) == phase::lingering || c.reset_at_close) {
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
  c.session.consume(c.session.received().size());
  c.since = {};
  c.now.store(phase::lingering, std::memory_order_relaxed);
  lingering(c);
}

// Data that was sent before may still be on its way, and a close with unread input would reset the
// connection.
void session_runner::drop(connection& c) {
  for (int i = 0; i < most_reads && c.discard() == connection::io::some; ++i) {
  }
  close(c);
}

void session_runner::lingering(connection& c) {
  for (int i = 0; i < most_reads && !closing_; ++i) {
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

void session_runner::close(connection& c) noexcept {
  watcher_.forget(c.fd());
  if (c.tls() != nullptr && c.tls()->only_works()) {
    tell(limit::tls_work);
  }
  if (c.reset_at_close) {
    const struct ::linger reset = {1, 0};
    static_cast<void>(::setsockopt(c.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)));
  } else if (c.tls() != nullptr) {
    c.tls()->close();
  }
  event_loop::of(c).forget(c);
  all_connections_.take_out(c);
  const auto refused = c.refused;
  delete &c;
  loops_.accepting().descriptor_freed();
  // This comes last, because the destructor waits for it: afterwards the session runner may not
  // exist any more.
  all_connections_.gone(refused);
}

}  // namespace hangup::http
