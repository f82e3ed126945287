#include "http/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "context/wait.h"

namespace hangup::http {
namespace {

constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t keep_capacity = 4 * 1024;  // of an idle connection's buffers

}  // namespace

std::string_view name(phase p) noexcept {
  switch (p) {
    case phase::idle:
      return "idle";
    case phase::reading:
      return "reading";
    case phase::queued:
      return "queued";
    case phase::running:
      return "running";
    case phase::writing:
      return "writing";
    case phase::lingering:
      return "lingering";
  }
  return "unknown";
}

connection::connection(int fd, peer ends, connection_owner& owner) noexcept
    : fd_(fd),
      ends_(std::move(ends)),
      client_(ends_.remote_address + ":" + std::to_string(ends_.remote_port)),
      owner_(owner) {}

connection::~connection() {
  ::close(fd_);
}

void connection::consume(std::size_t n) noexcept {
  used_ += n;
  if (used_ == in_.size()) {
    used_ = 0;
    in_.clear();
    if (in_.capacity() > keep_capacity) {
      in_ = {};
    }
  } else if (used_ >=
             read_size) {  // what is left of much input moves to the front, once in a while
    in_.erase(0, used_);
    used_ = 0;
  }
}

connection::io connection::receive() {
  thread_local std::array<char, read_size> buffer;
  for (;;) {
    const auto n = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n > 0) {
      in_.append(buffer.data(), static_cast<std::size_t>(n));
      return io::some;
    }
    if (n == 0) {
      return io::closed;
    }
    if (errno != EINTR) {
      return errno == EAGAIN || errno == EWOULDBLOCK ? io::again : io::failed;
    }
  }
}

bool connection::send_now(std::string_view bytes) noexcept {
  const bool kept = unsent() > 0;
  if (kept) {
    out_.append(bytes);
    bytes = std::string_view(out_).substr(sent_);
  }
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    note_departure();
    const auto n =
        ::send(fd_, bytes.data() + taken, bytes.size() - taken, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        client_left();
        return false;
      }
      break;
    }
    taken += static_cast<std::size_t>(n);
  }
  if (!kept) {
    out_.assign(bytes.substr(taken));
    sent_ = 0;
  } else {
    sent_ += taken;
  }
  if (unsent() == 0) {
    sent_ = 0;
    out_.clear();
    if (out_.capacity() > keep_capacity) {
      out_ = {};
    }
  }
  return true;
}

bool connection::send_all(std::string_view bytes, std::chrono::milliseconds patience) {
  if (unsent() > 0) {
    const auto kept = std::exchange(out_, {});
    const auto from = std::exchange(sent_, 0);
    if (!send_all(std::string_view(kept).substr(from), patience)) {
      return false;
    }
  }
  while (!bytes.empty()) {
    note_departure();
    const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno == EINTR) {
      continue;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      client_left();
      return false;
    }
    const bool half_closed = request->ctx.done() && !request->cut_off();
    const auto ec =
        wait_fd(half_closed ? background() : request->ctx, fd_, POLLOUT, clock::now() + patience);
    if (ec == std::errc::timed_out && !request->ctx.done()) {
      request->scope.cancel({.kind = cause_kind::write_timeout});
    }
    if (ec && (half_closed || request->cut_off())) {
      return false;
    }
  }
  return true;
}

void connection::client_left() noexcept {
  if (request) {
    request->scope.cancel({.kind = owner_.how_left(*this)});
  }
}

bool connection::scan_body() noexcept {
  body_ready += body.feed(input().substr(body_ready));
  return !body.refused();
}

void connection::park_until(clock::time_point when) noexcept {
  const std::lock_guard hold(parking_);
  due_ = when;
  if (when < armed_) {
    armed_ = when;
    timer_.arm(when);
  }
}

bool connection::take() noexcept {
  const std::lock_guard hold(parking_);
  due_ = never;
  return !std::exchange(overdue_, false);
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
  self.owner_.overdue(self);
}

}  // namespace hangup::http
