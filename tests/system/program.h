// The built binary as a user has it: started with flags, and asked with the real curl.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.h"

namespace hangup::system_test {

using namespace std::chrono_literals;
using namespace test;  // what tests/support has

// What curl is told to give its request this id, before what else it is told.
std::vector<std::string> with_id(const std::string& id, std::vector<std::string> more = {});

// A hangup that runs, wherever that is, asked with curl.
class site {
 public:
  // `always`: options for each curl. Needs curl.
  explicit site(std::string base, std::vector<std::string> always = {});

  std::string url(const std::string& target) const { return base_ + target; }
  // curl -s [options] url, to its end.
  result curl(const std::string& target, std::vector<std::string> options = {}) const;
  nlohmann::json get(const std::string& target) const;  // 200 and JSON, else null

  // The end of the request with this id, as /requests/ended reports it; waits until it is there.
  nlohmann::json ended(const std::string& id) const;
  // Waits until `enough` holds for the requests in flight.
  bool in_flight_until(const std::function<bool(const nlohmann::json&)>& enough) const;
  // Waits until new clients are refused, as they are from the beginning of a drain.
  bool refuses() const;
  // The value of one line of /metrics, such as hangup_requests_in_flight{route="/spin"}.
  std::optional<double> metric(const std::string& line) const;

 protected:
  std::string base_;  // "http://127.0.0.1:8080"
  std::vector<std::string> always_;
};

// A running hangup on a port of its own, without a configuration file unless a flag names one.
class server : public site {
 public:
  explicit server(std::vector<std::string> flags = {});

  std::uint16_t port() const noexcept { return port_; }
  int pid() const noexcept { return pid_; }

  process program;

 private:
  std::uint16_t port_;
  int pid_;
};

}  // namespace hangup::system_test
