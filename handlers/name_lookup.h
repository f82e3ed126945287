// The addresses of a host. getaddrinfo(3) cannot be interrupted and may take as long as a name
// server that does not answer lets it: so nobody who works for a request runs it. It runs on a
// thread of its own, one at a time for each host however many wait, and who waits leaves when their
// context ends. What hangs is one thread per host, whatever clients do. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "context/context.h"

namespace hangup::handlers {

class name_lookup {
 public:
  // Numeric addresses; none if the host is not known.
  using addresses = std::vector<std::string>;
  using function = std::function<addresses(const std::string& host)>;

  // What was found is used for so long (getaddrinfo does not tell how long it holds).
  explicit name_lookup(std::string host, function look = system_lookup,
                       std::chrono::milliseconds keeps = std::chrono::seconds(30));

  // ctx.err() if the context ends first; the error of the system if there can be no thread. A host
  // that is numeric is its own address, at once.
  std::error_code find(const context& ctx, addresses& found) const;

  static addresses system_lookup(const std::string& host);

 private:
  struct state;
  std::shared_ptr<state> state_;  // shared with the look-up under way, which may outlive this
};

}  // namespace hangup::handlers
