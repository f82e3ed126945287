// A connection's request as the httplib::Stream that the engine reads and writes. It ends where the
// request ends: what the client has sent behind it is not there for the engine. Not for users.
//
// Versions of cpp-httplib declare different members in Stream: all are here, without `override`, so
// each overrides where the base has it and is an ordinary member where it has not.
#pragma once

#include <chrono>
#include <string>

#include "http/connection.h"
#include "http/httplib.h"
#include "http/options.h"

namespace hangup::http {

class request_stream final : public httplib::Stream {
 public:
  // `on_the_spot`: this thread must not wait; what the client does not take now is kept in the
  // connection. Else writes and reads wait, as long as the context lives.
  request_stream(connection& c, const options& how, watcher& ears, bool on_the_spot) noexcept
      : c_(c), how_(how), ears_(ears), on_the_spot_(on_the_spot) {}

  // The next write is a head that a body follows: both go out together. Two small segments are what
  // makes cpp-httplib slow.
  void expect_body() noexcept { holding_ = true; }
  // Nothing is sent any more: the client has left.
  void mute() noexcept { muted_ = true; }
  // From now on the body is not read here, unless it is after all: what comes is read ahead, so
  // that the end of it is heard.
  void leave_input() noexcept;
  // Sends what was held. False if anything at all could not be sent.
  bool finish();

  // The client was too slow with a body that was waited for.
  bool body_late() const noexcept { return body_late_; }
  bool wrote() const noexcept { return wrote_; }

  // NOLINTBEGIN(modernize-use-override)
  ssize_t read(char* to, std::size_t size);
  ssize_t write(const char* from, std::size_t size);
  using httplib::Stream::write;
  socket_t socket() const { return c_.fd(); }
  void get_remote_ip_and_port(std::string& ip, int& port) const;
  void get_local_ip_and_port(std::string& ip, int& port) const;
  bool is_readable() const { return true; }
  bool is_writable() const { return alive(); }
  bool wait_readable() const { return true; }
  bool wait_writable() const { return alive(); }
  bool is_peer_alive() const { return alive(); }
  time_t duration() const { return 0; }
  void set_read_timeout(time_t, time_t = 0) {}
  // NOLINTEND(modernize-use-override)

 private:
  bool alive() const noexcept { return !muted_ && !broken_ && !c_.request->ctx.done(); }
  bool send(std::string_view bytes);
  bool more_body();

  connection& c_;
  const options& how_;
  watcher& ears_;
  const bool on_the_spot_;
  bool reading_ = false;  // the input is ours, and not the watcher's
  std::size_t head_at_ = 0;
  std::string held_;
  bool holding_ = false;
  bool muted_ = false;
  bool broken_ = false;
  bool body_late_ = false;
  bool wrote_ = false;
};

}  // namespace hangup::http
