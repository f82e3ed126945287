// What systemd, or another supervisor that speaks its two protocols, hands to a service and is told
// by it: sockets to listen on (sd_listen_fds(3)) and whether it is ready (sd_notify(3)).
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/net/descriptor.h"

namespace hangup::server {

// What the environment of the process says.
struct supervision {
  // The descriptors of LISTEN_FDS, from 3 on. Empty: there are none, or LISTEN_PID says that they
  // are meant for another process.
  std::vector<int> sockets{};
  std::string notify_socket{};  // NOTIFY_SOCKET; empty: nobody wants to be told
  // Why the sockets cannot be used, in one line: a number that is none, or a descriptor that is not
  // a listening stream socket of TCP or Unix.
  std::string wrong{};
};

// Reads the variables and removes them from the environment, so that no child takes them for its
// own. The descriptors will not be inherited any further. Must be called before there is a second
// thread.
supervision take_supervision();

// Tells the supervisor. A service of Type=notify whose READY=1 is lost is killed at the end of its
// start time-out, so ready() waits while the supervisor's queue is full, for `patience` at most.
// All else is lost if it is not taken at once. The first failure is said, once. One thread at a
// time.
class notifier {
 public:
  // `socket`: the path of a datagram socket, or @name; empty: nothing is told. `warn` gets one
  // line.
  notifier(std::string socket, std::function<void(const std::string&)> warn,
           std::chrono::milliseconds patience = std::chrono::seconds(5));

  void ready(std::string_view status);  // it listens
  void reloading();                     // followed by ready()
  void stopping(std::string_view status);

 private:
  enum class wait { no, for_room };
  void tell(const std::string& state, wait how) noexcept;
  void fail(int error) noexcept;

  const std::string to_;
  const std::function<void(const std::string&)> warn_;
  const std::chrono::milliseconds patience_;
  http::descriptor socket_;
  bool failed_ = false;
};

}  // namespace hangup::server
