#include "http/stream.h"

#include <poll.h>

#include <algorithm>
#include <cstring>

#include "context/wait.h"

namespace hangup::http {

ssize_t request_stream::read(char* to, std::size_t size) {
  const auto give = [&](std::string_view from) {
    const auto n = std::min(size, from.size());
    std::memcpy(to, from.data(), n);
    return n;
  };
  if (head_at_ < c_.head.size()) {
    const auto n = give(std::string_view(c_.head).substr(head_at_));
    head_at_ += n;
    return static_cast<ssize_t>(n);
  }
  if (!reading_) {
    reading_ = true;
    ears_.stop_reading(c_.fd());
    static_cast<void>(c_.scan_body());  // what was read ahead
  }
  while (c_.body_ready == 0) {
    if (c_.body.complete()) {
      return 0;
    }
    if (c_.body.refused() || !more_body()) {
      return -1;
    }
  }
  const auto n = give(c_.received().substr(0, c_.body_ready));
  c_.body_ready -= n;
  c_.consume(n);
  return static_cast<ssize_t>(n);
}

void request_stream::leave_input() noexcept {
  if (!on_the_spot_ && how_.read_ahead > 0) {
    reading_ = false;
    ears_.read_ahead(c_.fd(), c_);
  }
}

// Waits for more of a body that is too large to be complete before the work began.
bool request_stream::more_body() {
  if (on_the_spot_) {
    return false;
  }
  if (c_.wants_continue) {
    c_.wants_continue = false;
    if (!c_.send_all("HTTP/1.1 100 Continue\r\n\r\n", how_.write_timeout)) {
      return false;
    }
  }
  for (;;) {
    const auto how = c_.receive();
    switch (how) {
      case connection::io::some:
        static_cast<void>(c_.scan_body());
        return true;
      case connection::io::again:
        if (const auto ec =
                wait_fd(c_.request->ctx, c_.fd(), POLLIN, clock::now() + how_.body_timeout)) {
          body_late_ = ec == std::errc::timed_out && !c_.request->ctx.done();
          c_.request->over = body_late_ ? limit::body_time : limit::none;
          return false;
        }
        break;
      case connection::io::closed:
      case connection::io::cut_off:
      case connection::io::failed:
        c_.client_left(connection::seen_by(how));
        return false;
    }
  }
}

ssize_t request_stream::write(const char* from, std::size_t size) {
  const auto taken = static_cast<ssize_t>(size);
  if (muted_ || broken_) {
    return -1;
  }
  if (holding_) {
    holding_ = false;
    held_.assign(from, size);
    return taken;
  }
  if (!held_.empty()) {
    constexpr std::size_t worth_a_copy = 64 * 1024;
    const bool together = size <= worth_a_copy;
    if (together) {
      held_.append(from, size);
    }
    if (!finish()) {
      return -1;
    }
    if (together) {
      return taken;
    }
  }
  return send({from, size}) ? taken : -1;
}

bool request_stream::finish() {
  holding_ = false;
  if (!held_.empty() && !muted_) {
    const auto all = std::move(held_);
    held_.clear();
    send(all);
  }
  return !broken_ && !muted_;
}

bool request_stream::send(std::string_view bytes) {
  wrote_ = true;
  if (!on_the_spot_) {
    broken_ = !c_.send_all(bytes, how_.write_timeout);
  } else {
    broken_ = !c_.send_now(bytes) || c_.unsent() > how_.spot_output;
  }
  return !broken_;
}

void request_stream::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip = c_.ends().remote_address;
  port = c_.ends().remote_port;
}

void request_stream::get_local_ip_and_port(std::string& ip, int& port) const {
  ip = c_.ends().local_address;
  port = c_.ends().local_port;
}

}  // namespace hangup::http
