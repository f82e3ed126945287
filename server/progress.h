// Shows the progress of something that takes long at the start.
#pragma once

#include <string>
#include <utility>

namespace hangup::server {

// Writes the progress of `what` ("the sample database build/sample.db") to standard error: on a
// terminal one line that is updated, without a bar if it would not fit, otherwise a line every 25
// percent. Does not wait for a reader. If the line on a terminal has not reached 100 percent, the
// destructor ends it. For one thread.
class progress {
 public:
  explicit progress(std::string what) : what_(std::move(what)) {}
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  void show(unsigned percent);

 private:
  void begin();

  const std::string what_;
  std::string line_{};  // in front of the percent; empty: does not fit, and has a line of its own
  bool has_begun_ = false;
  bool has_bar_ = false;
  bool in_a_line_ = false;
};

}  // namespace hangup::server
