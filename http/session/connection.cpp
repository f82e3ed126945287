#include "http/session/connection.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "hangup/context/wait.h"
#include "hangup/http/causes.h"

namespace hangup::http {
namespace {

constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t kept_output = 4 * 1024;  // how much room for output an idle connection keeps

thread_local std::array<char, read_size> read_buffer;

ssize_t receive_from(int fd) noexcept {
  for (;;) {
    const auto n = ::recv(fd, read_buffer.data(), read_buffer.size(), MSG_DONTWAIT);
    if (n >= 0 || errno != EINTR) {
      return n;
    }
  }
}

// For the result of the recv(2) call just made.
connection::io outcome_of(ssize_t n) noexcept {
  if (n > 0) {
    return connection::io::some;
  }
  if (n == 0) {
    return connection::io::closed;
  }
  return errno == EAGAIN || errno == EWOULDBLOCK ? connection::io::again : connection::io::failed;
}

}  // namespace

std::string_view name(phase p) noexcept {
  switch (p) {
    case phase::shaking:
      return "handshake";
    case phase::idle:
      return "idle";
    case phase::reading:
      return "reading";
    case phase::queued:
      return "queued";
    case phase::running:
      return "running";
    case phase::waiting:
      return "waiting";
    case phase::writing:
      return "writing";
    case phase::lingering:
      return "lingering";
  }
  return "unknown";
}

connection::connection(descriptor socket, peer addresses, std::unique_ptr<tls_session> tls,
                       const options& how, connection_owner& owner, const context& server)
    : coming(how.body_timeout, how.body_min_rate),
      going(how.write_timeout, how.write_min_rate),
      session(how.head),
      policy(how.on_half_close),
      server_(server),
      scope_(with_cancel(server)),
      socket_(std::move(socket)),
      addresses_(std::move(addresses)),
      client_(client_text(addresses_)),
      tls_(std::move(tls)),
      owner_(owner) {}

connection::~connection() {
  static_cast<void>(owner_.reserve_read_ahead(-static_cast<std::ptrdiff_t>(ahead_)));
}

tls_session::io connection::shake_hands() noexcept {
  const auto how = tls_->handshake();
  drained_ = how != tls_session::io::more;
  return how;
}

void connection::answer_plainly() {
  session.refuse_all(
      {.status = 400,
       .detail = "this port speaks TLS, and the request came without: use https://"});
  tls_.reset();
}

// Appends the bytes in the thread's buffer to the input.
connection::io connection::keep(std::size_t n) {
  lost_ = true;
  session.append({read_buffer.data(), n});
  lost_ = false;
  coming.moved(n, coming.waiting() ? clock::now() : clock::time_point{});
  return io::some;
}

connection::io connection::receive() {
  if (lost_) {
    throw std::bad_alloc();
  }
  if (tls_) {
    std::size_t n = 0;
    const auto how = tls_->read(read_buffer.data(), read_buffer.size(), n);
    drained_ = how != tls_session::io::done && how != tls_session::io::more;
    reads_when_writable_ = how == tls_session::io::want_room;
    switch (how) {
      case tls_session::io::done:
        return keep(n);
      case tls_session::io::want_input:
      case tls_session::io::want_room:
      case tls_session::io::more:
        return io::again;
      case tls_session::io::closed:
        return io::closed;
      case tls_session::io::cut_off:
      case tls_session::io::failed:
      case tls_session::io::plain_http:
      case tls_session::io::only_work:
        return io::cut_off;
      case tls_session::io::reset:
        break;
    }
    return io::failed;
  }
  const auto n = read_socket();
  return n > 0 ? keep(static_cast<std::size_t>(n)) : outcome_of(n);
}

connection::io connection::discard() noexcept {
  return outcome_of(read_socket());
}

bool connection::discard_rest_of_body() {
  constexpr int most = 16;  // reads of 16 KiB each
  for (int i = 0; i < most; ++i) {
    switch (session.discard_rest()) {  // includes what was read ahead
      case http1::rest::discarded:
        return true;
      case http1::rest::unusable:
        return false;
      case http1::rest::more:
        break;
    }
    if (receive() != io::some) {
      return false;
    }
  }
  return false;
}

// If less than was asked for was read, that was all there was (epoll(7)). But an end after it may
// have been reported together with it, and every read stops at an urgent byte.
ssize_t connection::read_socket() noexcept {
  const auto n = receive_from(fd());
  to_the_end_ = to_the_end_ && n > 0;
  drained_ = n <= 0 || (static_cast<std::size_t>(n) < read_size && !to_the_end_);
  return n;
}

void connection::happened(std::uint32_t events) noexcept {
  drained_ = drained_ && (events & EPOLLIN) == 0;
  to_the_end_ = to_the_end_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) != 0;
}

input::read connection::read_ahead() noexcept try {
  constexpr int at_a_time = 8;  // of 16 KiB; then the watcher looks at other connections
  for (int i = 0; i < at_a_time; ++i) {
    const auto before = session.received().size();
    // Bytes that nobody will read (a body that no handler gets, and everything after the last
    // request) are discarded as they arrive and need no room. So an end after them is noticed,
    // however many there are.
    const bool unwanted = session.discards();
    if (!unwanted && (before >= ahead_limit || !owner_.reserve_read_ahead(0))) {
      char next = 0;
      const bool left = ::recv(fd(), &next, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
      ahead_capped_ = ahead_capped_ || left;
      return {.left = left};
    }
    if (const auto how = receive(); how != io::some) {
      const bool more = how == io::again && !drained_;
      drained_ = drained_ && how == io::again;  // its owner has not noticed the end yet
      const bool work = how == io::cut_off && tls_ && tls_->only_works();
      // With TLS, what it would answer to the input may have to be sent first.
      return {work ? departure::shown_out : seen_by(how), more, reads_when_writable_};
    }
    if (unwanted) {
      session.discard_received();
    }
    // What was there before may have been discarded as well, and has not been counted.
    const auto more = std::max(session.received().size(), before) - before;
    ahead_ += more;
    static_cast<void>(owner_.reserve_read_ahead(static_cast<std::ptrdiff_t>(more)));
  }
  return {.more = true};
} catch (const std::bad_alloc&) {
  ahead_capped_ = true;
  drained_ = false;  // makes the owner look
  return {.left = true};
}

bool connection::settle_ahead() noexcept {
  const auto left = std::min(ahead_, session.received().size());
  static_cast<void>(
      owner_.reserve_read_ahead(static_cast<std::ptrdiff_t>(left) -
                                static_cast<std::ptrdiff_t>(std::exchange(ahead_, left))));
  return std::exchange(ahead_capped_, false);
}

// Sends what the socket takes now. `again` corresponds to one poll(2) event, also with TLS: it
// needs input in order to write only during its handshake, which is over.
connection::io connection::put(std::string_view bytes, std::size_t& taken) noexcept {
  taken = 0;
  if (tls_) {
    switch (tls_->write(bytes, taken)) {
      case tls_session::io::done:
        return io::some;
      case tls_session::io::want_room:
        return io::again;
      default:
        return io::failed;
    }
  }
  for (;;) {
    const auto n = ::send(fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      taken = static_cast<std::size_t>(n);
      return io::some;
    }
    if (errno != EINTR) {
      return errno == EAGAIN || errno == EWOULDBLOCK ? io::again : io::failed;
    }
  }
}

connection::io connection::send_some(std::string_view& bytes) noexcept {
  while (!bytes.empty()) {
    if (request_) {
      request_->sending();
    }
    std::size_t n = 0;
    const auto how = put(bytes, n);
    if (how == io::failed) {
      client_left(seen_by(how));
    }
    if (how != io::some) {
      return how;
    }
    bytes.remove_prefix(n);
    note_taken(n);
  }
  return io::some;
}

bool connection::send_now(std::string_view bytes) {
  const bool kept = unsent() > 0;
  if (kept) {
    out_.append(bytes);
    bytes = std::string_view(out_).substr(sent_);
  }
  auto rest = bytes;
  if (send_some(rest) == io::failed) {
    return false;
  }
  if (!kept) {
    out_.assign(rest);
    sent_ = 0;
  } else {
    sent_ += bytes.size() - rest.size();
  }
  if (unsent() == 0) {
    sent_ = 0;
    out_.clear();
    if (out_.capacity() > kept_output) {
      out_ = {};
    }
  }
  return true;
}

bool connection::send_all(std::string_view bytes) {
  if (unsent() > 0) {
    const auto kept = std::exchange(out_, {});
    const auto from = std::exchange(sent_, 0);
    if (!send_all(std::string_view(kept).substr(from))) {
      return false;
    }
  }
  for (;;) {
    const auto how = send_some(bytes);
    if (how != io::again) {
      return how == io::some;
    }
    const auto wait = wait_for_room();
    if (!goes_on(wait, wait_fd(wait.during, fd(), POLLOUT, wait.until))) {
      return false;
    }
  }
}

connection::room_wait connection::wait_for_room() noexcept {
  const bool half_closed = request_->ctx().done() && !request_->cut_off();
  // Clients that have half-closed the connection have a deadline too, and the server may stop.
  const auto deadline = request_->ctx().deadline().value_or(never);
  const auto patience = going.wait(clock::now());
  return {half_closed ? server_ : request_->ctx(), std::min(patience, deadline), half_closed,
          patience < deadline};
}

bool connection::goes_on(const room_wait& after, std::error_code ec) noexcept {
  const bool too_late = ec == std::errc::timed_out;
  if (too_late && after.for_the_client) {
    request_->reached(limit::write_time);
    request_->cancel({.kind = causes::write_timeout});
  }
  // What is neither the time nor the end of the context: the descriptor cannot be waited for.
  const bool unable = ec && !too_late && !request_->ctx().done();
  return !ec || (!unable && !after.half_closed && !request_->cut_off());
}

departure connection::seen_by(io how) const noexcept {
  switch (how) {
    case io::some:
    case io::again:
      return departure::none;
    case io::closed:
      return departure::closed;
    case io::cut_off:
      return departure::cut_off;
    case io::failed:
      break;
  }
  return reported_error(fd(), errno, over());
}

void connection::client_left(departure seen) noexcept {
  if (request_) {
    request_->cancel(owner_.how_left(*this, seen));
  }
}

void connection::park_until(clock::time_point when) noexcept {
  const std::lock_guard hold(parking_);
  parked_ = true;
  due_ = when;
  if (when < armed_) {
    armed_ = when;
    timer_.arm(when);
  }
}

bool connection::take() noexcept {
  const std::lock_guard hold(parking_);
  parked_ = false;
  due_ = never;
  return !std::exchange(overdue_, false);
}

void connection::wake_parked() noexcept {
  const std::lock_guard hold(parking_);
  if (parked_) {
    owner_.wake(*this);
  }
}

void connection::overdue_timer::expire() noexcept {
  const std::lock_guard hold(self.parking_);
  self.armed_ = never;
  if (self.due_ == never) {
    return;
  }
  if (clock::now() < self.due_) {
    self.armed_ = self.due_;
    arm(self.due_);
    return;
  }
  self.overdue_ = true;
  self.owner_.wake(self);
}

}  // namespace hangup::http
