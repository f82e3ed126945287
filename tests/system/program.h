// The built binary as a user has it: started with flags, spoken to with the real curl, read from
// its standard error, ended by signals. Every wait here is for an event, with a generous limit.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace hangup::system_test {

using namespace std::chrono_literals;

inline constexpr auto patience = 20s;

// A process, its output line by line. Killed and reaped at the end.
class process {
 public:
  // Both outputs go to a pipe that is read here, or to a descriptor, and then output() is empty.
  explicit process(std::vector<std::string> command, int output = -1);
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  void signal(int number) const;
  int pid() const noexcept { return pid_; }
  // Waits for its end. 128 + n after signal n; none if it does not end.
  std::optional<int> wait(std::chrono::milliseconds limit = patience);
  // Waits for a line, of either output, that contains the text, and returns it; "" if none comes.
  std::string line_with(const std::string& text, std::chrono::milliseconds limit = patience);
  std::string output();  // so far, or all after wait()

 private:
  int pid_ = -1;
  int out_ = -1;
  std::thread reader_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  bool closed_ = false;
  std::optional<int> exit_;
};

struct result {
  int exit;
  std::string output;
};
// Runs a command to its end.
result run(std::vector<std::string> command);
// What curl is told to give its request this id, before what else it is told.
std::vector<std::string> with_id(const std::string& id, std::vector<std::string> more = {});

// As what the program says of a mistake has to be.
bool is_one_line(const std::string& text);

// What a process has in memory.
std::size_t resident_kib(int pid);

// A hangup that runs, wherever that is, asked with curl.
class site {
 public:
  explicit site(std::string base) : base_(std::move(base)) {}

  std::string url(const std::string& target) const { return base_ + target; }
  // curl -s [options] url, to its end.
  result curl(const std::string& target, std::vector<std::string> options = {}) const;
  nlohmann::json get(const std::string& target) const;  // 200 and JSON, else null

  // The end of the request with this id, as /requests/ended reports it; waits until it is there.
  nlohmann::json ended(const std::string& id) const;
  // Waits until `enough` holds for the requests in flight.
  bool in_flight_until(const std::function<bool(const nlohmann::json&)>& enough) const;
  // Waits until new clients are refused, as they are from the begin of a drain.
  bool refuses() const;
  // The value of one line of /metrics, such as hangup_requests_in_flight{route="/spin"}.
  std::optional<double> metric(const std::string& line) const;

 protected:
  site() = default;
  std::string base_;  // "http://127.0.0.1:8080"
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
