// The flags of the server, and its end by a signal.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <thread>

namespace llm {

struct options {
  std::string host = "127.0.0.1";
  int port = 8080;  // 0: a free one
  std::size_t slots = 4;
  unsigned threads = 0;      // that serve HTTP; 0: slots + 4, as llama.cpp has it
  std::size_t width = 2048;  // of the model
  std::string api_key;       // empty: none is needed
  std::string public_folder;
};
// Ends the program with one line if they are wrong.
options read_options(int argc, char** argv);

// Calls `stop` once when SIGINT or SIGTERM comes. To be made before there are threads, which would
// take the signal otherwise.
class on_signal {
 public:
  explicit on_signal(std::function<void()> stop);
  ~on_signal();
  on_signal(const on_signal&) = delete;
  on_signal& operator=(const on_signal&) = delete;

 private:
  std::function<void()> stop_;
  int end_ = -1;  // an eventfd: the destructor has begun
  int signals_ = -1;
  std::thread waits_;
};
// To be called first in main().
void keep_signals_for_on_signal();

}  // namespace llm
