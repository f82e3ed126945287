// A server that does to those who ask it what the test says, byte by byte, and knows when they have
// left.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/listener.h"

namespace hangup::test {

// An accepted connection.
class asker {
 public:
  explicit asker(int fd) : fd_(fd) {}
  // The head of the request, "" if it does not come.
  std::string head() const;
  // False: the other end has gone.
  bool send(std::string_view bytes) const;
  // Returns when the other end has closed, or after a long time: false.
  bool leaves() const;
  // The close of the connection will be a RST.
  void reset() const;

 private:
  int fd_;
};

class fake_upstream {
 public:
  using clock = std::chrono::steady_clock;
  using script = std::function<void(const asker&)>;  // then the connection is closed

  explicit fake_upstream(script answer);
  // On this descriptor, which listens.
  fake_upstream(script answer, int fd);
  ~fake_upstream();
  fake_upstream(const fake_upstream&) = delete;
  fake_upstream& operator=(const fake_upstream&) = delete;

  std::string url(const std::string& scheme = "http") const {
    return scheme + "://127.0.0.1:" + std::to_string(listener_.port());
  }
  // Waits for so many connections to have been accepted, or to be over.
  bool accepted(int count) { return await(accepted_, count); }
  bool over(int count) { return await(over_, count); }

 private:
  bool await(const int& of, int count);
  void add(int& to);
  void serve();

  const script answer_;
  const listener listener_;
  const int fd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int accepted_ = 0;
  int over_ = 0;
  std::thread thread_;
};

// A port that no connection to ever comes about: its queue is full.
class black_hole {
 public:
  black_hole();
  ~black_hole();
  black_hole(const black_hole&) = delete;
  black_hole& operator=(const black_hole&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(listener_.port()); }

 private:
  const listener listener_{0};
  std::vector<int> filling_;
};

}  // namespace hangup::test
