// How far something is that takes a while at the start.
#pragma once

#include <string>
#include <utility>

namespace hangup::server {

// On standard error, of something that is called `what` ("the sample database build/sample.db"):
// drawn over itself on a terminal; elsewhere a line each 25 percent. Waits for nobody who does not
// read it. A line on a terminal that has not come to 100 percent is ended by the destructor. For
// one thread.
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
