// Looks up the addresses of a host. getaddrinfo(3) cannot be interrupted and may take as long as a
// name server does not answer, so it does not run on a thread that serves requests. It runs on a
// thread of its own, once per host at a time, however many requests wait for it. A request holds no
// thread while it waits, and stops waiting when its context ends. So clients cannot cause more than
// one hanging thread per host. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "hangup/context/context.h"
#include "hangup/context/task.h"

namespace hangup::handlers {

class name_lookup {
 public:
  // Numeric addresses; empty if the host is not known.
  using addresses = std::vector<std::string>;
  using function = std::function<addresses(const std::string& host)>;

  // A result is used for this long (getaddrinfo does not return a time to live).
  explicit name_lookup(std::string host, function look = system_lookup,
                       std::chrono::milliseconds keeps = std::chrono::seconds(30));

  // Returns ctx.err() if the context ends first, or the system's error if no thread can be made. A
  // numeric host is returned at once as its own address.
  task<std::error_code> find(const context& ctx, addresses& found) const;

  static addresses system_lookup(const std::string& host);

 private:
  struct state;
  // Shared with a look-up that is running, which may outlive this object.
  std::shared_ptr<state> state_;
};

}  // namespace hangup::handlers
