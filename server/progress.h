// Shows the progress of something that takes long at the start.
#pragma once

#include <string>
#include <utility>

namespace hangup::server {

// Writes the progress of `what` ("the sample database build/sample.db") to standard error: on a
// terminal one line that is updated, otherwise a line every 25 percent. Does not wait for a reader.
// If the line on a terminal has not reached 100 percent, the destructor ends it. For one thread.
class progress {
 public:
  explicit progress(std::string what) : what_(std::move(what)) {}
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  void show(unsigned percent);

 private:
  const std::string what_;
  bool in_a_line_ = false;
};

}  // namespace hangup::server
