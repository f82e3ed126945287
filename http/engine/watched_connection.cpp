#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "hangup/context/after_func.h"
#include "hangup/context/bridge.h"
#include "hangup/context/wait.h"
#include "hangup/http/causes.h"
#include "http/engine/both_ends.h"
#include "http/engine/silence.h"
#include "http/engine/watched_input.h"
#include "http/engine/watched_state.h"
#include "http/wire/body.h"

namespace hangup::http::detail {
namespace {

using std::chrono::microseconds;
using clock = std::chrono::steady_clock;

// A handler that has answered without reading the body: so long is the rest of it waited for in
// all.
constexpr clock::duration patience_for_the_rest = std::chrono::seconds(1);
// So much of the rest is taken without waiting, where the engine has left it.
constexpr std::size_t most_discarded = 1 << 20;

// As cpp-httplib's.
constexpr clock::duration farewell = std::chrono::milliseconds(100);
constexpr std::size_t most_after_farewell = 1 << 20;

// Waits until one of the events is there. False: not in this time.
bool await(int fd, short events, clock::duration time) noexcept {
  for (const auto until = later(clock::now(), time);;) {
    const auto left = std::max(until - clock::now(), clock::duration::zero());
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    pollfd at{fd, events, 0};
    const int n =
        ::poll(&at, 1, static_cast<int>(std::min<long>(whole, std::numeric_limits<int>::max())));
    if (n > 0 || (n < 0 && errno != EINTR)) {
      return true;
    }
    if (left == clock::duration::zero()) {
      return false;
    }
  }
}

bool is_there(int fd, short events) noexcept {
  pollfd at{fd, events, 0};
  return ::poll(&at, 1, 0) > 0;
}

body_scan scan_of(const body_framing& body) noexcept {
  constexpr auto unlimited = std::numeric_limits<std::uint64_t>::max();
  switch (body.how) {
    case body_framing::kind::length:
      return body_scan::of_length(body.length, unlimited);
    case body_framing::kind::chunks:
      return body_scan::of_chunks(unlimited);
    default:
      return {};
  }
}

}  // namespace

class watched_connection::impl {
 public:
  impl(watched_connections::state& of, http::descriptor socket, const watched_settings& how);
  ~impl();

  bool await_request(std::chrono::milliseconds idle) noexcept;
  context begin_request();
  void has_body(const body_framing& body) noexcept;
  bool end_request() noexcept;
  long read(char* to, std::size_t size) noexcept;
  long write(const char* from, std::size_t size) noexcept;
  void consume(std::size_t size) noexcept;
  bool wait_writable() noexcept;

  int fd() const noexcept { return socket_.get(); }
  bool has_left() const noexcept { return presence_.ctx.done(); }

  const watched_settings how_;
  const http::descriptor socket_;
  const transport over_ = transport_of(socket_.get());
  const both_ends ends_ = ends_of(socket_.get());
  std::shared_ptr<const http::descriptor> closed_;
  cancelable presence_ = with_cancel(background());  // ended by the watcher
  watched_input in_{socket_.get(), over_, how_.read_ahead};
  microseconds read_timeout_ = how_.read_timeout;
  bool answered_ = false;
  std::atomic<bool> wrote_{false};  // two threads write to a WebSocket

 private:
  struct raise {
    std::shared_ptr<const http::descriptor> at;
    void operator()() const noexcept {
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto n = ::write(at->get(), &one, sizeof one);
    }
  };

  bool await_more() noexcept;
  bool await_room() noexcept;
  bool discard_rest() noexcept;
  void left(departure seen) noexcept;
  void say_goodbye() noexcept;

  watched_connections::state& of_;
  std::uint32_t generation_ = 0;
  std::optional<after_func<raise>> tells_;
  cancelable both_{background(), {}};  // ends with presence_ or the server
  context parent_ = background();      // both_, where a sleeper can hear it
  cancelable request_{background(), {}};

  bool head_read_ = false;
  bool clear_ = true;  // where the body ends
  body_scan body_{};
  clock::duration patience_{};
};

watched_connection::impl::impl(watched_connections::state& of, http::descriptor socket,
                               const watched_settings& how)
    : how_(how), socket_(std::move(socket)), of_(of) {
  if (how_.needs_closed_descriptor) {
    closed_ = std::make_shared<const http::descriptor>(
        http::descriptor::made(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));
    tells_.emplace(presence_.ctx, raise{closed_});
  }
  ask_silent_clients(fd());
  both_ = with_either(presence_.ctx, of_.server());
  auto& ears = of_.ears();
  if (const auto ec = ears.watch(fd(), over_, presence_.cancel, how_.on_half_close, generation_)) {
    throw std::system_error(ec, "connection");
  }
  try {
    parent_ =
        with_value<early_end>(both_.ctx, ears.announced(fd(), generation_, how_.on_half_close));
  } catch (...) {
    ears.forget(fd());
    throw;
  }
  // It may have waited for its thread, and have left meanwhile.
  ears.check(fd(), generation_);
}

watched_connection::impl::~impl() {
  request_.cancel({.kind = cause_kind::handler_returned});
  in_.stop_reading();
  of_.ears().forget(fd());
  // Without an answer there is nothing that a reset could destroy; nor with an error or a hang-up.
  if (wrote_ && !is_there(fd(), 0)) {
    say_goodbye();
  }
  presence_.cancel({.kind = cause_kind::handler_returned});
}

void watched_connection::impl::say_goodbye() noexcept {
  ::shutdown(fd(), SHUT_WR);
  const auto until = clock::now() + farewell;
  std::array<char, 16 * 1024> thrown_away;
  for (std::size_t all = 0; all < most_after_farewell;) {
    const auto n = ::recv(fd(), thrown_away.data(), thrown_away.size(), MSG_DONTWAIT);
    if (n > 0) {
      all += static_cast<std::size_t>(n);
      continue;
    }
    const bool later = n < 0 && (errno == EAGAIN || errno == EINTR);
    const auto left = until - clock::now();
    if (!later || left <= clock::duration::zero() || !await(fd(), POLLIN, left)) {
      return;
    }
  }
}

bool watched_connection::impl::await_request(std::chrono::milliseconds idle) noexcept {
  if (!in_.taken().empty() || in_.has_more()) {
    return true;
  }
  // A client that leaves is readable, too.
  return !std::error_code(wait_fd(of_.server(), fd(), POLLIN, later(clock::now(), idle)));
}

context watched_connection::impl::begin_request() {
  request_ = with_cancel(parent_);
  head_read_ = false;
  clear_ = true;
  body_ = {};
  answered_ = false;
  patience_ = patience_for_the_rest;
  read_timeout_ = how_.read_timeout;
  return request_.ctx;
}

void watched_connection::impl::has_body(const body_framing& body) noexcept {
  head_read_ = true;
  clear_ = body.how != body_framing::kind::unclear;
  body_ = scan_of(body);
  in_.read_ahead_by(of_.ears());
}

bool watched_connection::impl::end_request() noexcept {
  request_.cancel({.kind = cause_kind::handler_returned});
  in_.stop_reading();
  return head_read_ && clear_ && discard_rest();
}

bool watched_connection::impl::discard_rest() noexcept {
  for (std::size_t all = 0; !body_.complete(); all += in_.taken().size()) {
    if (body_.refused() || all >= most_discarded ||
        (in_.taken().empty() && in_.take_in() != watched_input::got::some)) {
      in_.stop_waiting();
      return false;
    }
    in_.use(body_.feed(in_.taken()));
  }
  return true;
}

void watched_connection::impl::left(departure seen) noexcept {
  const auto how = of_.ears().look(fd(), seen);
  if (how != departure::none &&
      (how != departure::closed || how_.on_half_close == half_close::cancel)) {
    presence_.cancel(cause_of(how));
  }
}

bool watched_connection::impl::await_more() noexcept {
  if (!answered_) {
    return await(fd(), POLLIN, read_timeout_);
  }
  const auto since = clock::now();
  const bool some = await(fd(), POLLIN, std::min<clock::duration>(read_timeout_, patience_));
  patience_ -= std::min(patience_, clock::now() - since);
  return some;
}

long watched_connection::impl::read(char* to, std::size_t size) noexcept {
  while (in_.taken().empty()) {
    switch (in_.take_in()) {
      case watched_input::got::some:
        break;
      case watched_input::got::nothing_yet:
        if (!await_more()) {
          in_.stop_waiting();
          return -1;
        }
        break;
      case watched_input::got::the_end:
        left(departure::closed);
        return 0;
      case watched_input::got::an_error:
        left(departure_by(errno, over_));
        return -1;
    }
  }
  const auto n = std::min(size, in_.taken().size());
  std::memcpy(to, in_.taken().data(), n);
  consume(n);
  return static_cast<long>(n);
}

void watched_connection::impl::consume(std::size_t size) noexcept {
  body_.feed(in_.taken().substr(0, size));
  in_.use(size);
}

long watched_connection::impl::write(const char* from, std::size_t size) noexcept {
  if (has_left()) {
    return -1;
  }
  wrote_ = true;
  for (std::size_t sent = 0; sent < size;) {
    const auto n = ::send(fd(), from + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN || errno == EINTR) {
      if (!await_room()) {
        return -1;
      }
    } else {
      left(departure_by(errno, over_));
      return -1;
    }
  }
  return static_cast<long>(size);
}

bool watched_connection::impl::await_room() noexcept {
  const bool some = await(fd(), POLLOUT, how_.write_timeout);
  if (!some) {
    presence_.cancel({.kind = causes::write_timeout});
  }
  return some;
}

bool watched_connection::impl::wait_writable() noexcept {
  return !has_left() && await_room();
}

// --- what the header has ---

watched_connection::watched_connection(watched_connections& of, int listening, int client,
                                       const watched_settings& how) {
  http::descriptor socket(client);
  auto& all = of.shared();
  all.listens_at(listening);
  impl_ = std::make_unique<impl>(all, std::move(socket), how);
}
watched_connection::~watched_connection() = default;

const both_ends& watched_connection::ends() const noexcept {
  return impl_->ends_;
}
int watched_connection::descriptor() const noexcept {
  return impl_->fd();
}
int watched_connection::closed_descriptor() const noexcept {
  return impl_->closed_ ? impl_->closed_->get() : -1;
}
std::shared_ptr<const void> watched_connection::closed_owner() const noexcept {
  return impl_->closed_;
}
const context& watched_connection::client() const noexcept {
  return impl_->presence_.ctx;
}
bool watched_connection::await_request(std::chrono::milliseconds idle) noexcept {
  return impl_->await_request(idle);
}
context watched_connection::begin_request() {
  return impl_->begin_request();
}
void watched_connection::has_body(const body_framing& body) noexcept {
  impl_->has_body(body);
}
void watched_connection::has_answered() noexcept {
  impl_->answered_ = true;
}
bool watched_connection::end_request() noexcept {
  return impl_->end_request();
}
long watched_connection::read(char* to, std::size_t size) noexcept {
  return impl_->read(to, size);
}
long watched_connection::write(const char* from, std::size_t size) noexcept {
  return impl_->write(from, size);
}
bool watched_connection::is_readable() const noexcept {
  return !impl_->in_.taken().empty() || impl_->in_.has_more();
}
bool watched_connection::wait_readable() const noexcept {
  return is_readable() || await(impl_->fd(), POLLIN, impl_->read_timeout_);
}
bool watched_connection::wait_writable() const noexcept {
  return impl_->wait_writable();
}
void watched_connection::set_read_timeout(std::chrono::microseconds time) noexcept {
  impl_->read_timeout_ = time;
}
std::string_view watched_connection::buffered() const noexcept {
  return impl_->in_.taken();
}
void watched_connection::consume(std::size_t size) noexcept {
  impl_->consume(size);
}

}  // namespace hangup::http::detail
