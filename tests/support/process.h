// Programs that a test starts: their output is read line by line, and they are ended by signals.
// Every wait is for an event, with a limit.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/patience.h"

namespace hangup::test {

// A process, its output line by line. Killed and reaped at the end.
class process {
 public:
  // Both outputs go to a pipe that is read here, or to a descriptor, and then output() is empty.
  // `given`: what it has open as 3, 4 and so on.
  explicit process(std::vector<std::string> command, int output = -1,
                   const std::vector<int>& given = {});
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

// As what the program says of a mistake has to be.
bool is_one_line(const std::string& text);

// What a process has in memory.
std::size_t resident_kib(int pid);

}  // namespace hangup::test
