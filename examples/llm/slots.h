// The slots of the server: threads that make texts, each one text at a time, and the queue of those
// who wait for a slot. Nothing here knows of HTTP, nor of hangup.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "examples/llm/model.h"

namespace llm {

struct question {
  std::string prompt;
  std::size_t max_tokens = 64;
  std::uint64_t seed = 0;
  bool stream = false;
};

// A text that is being made. Made by slots::begin().
class job {
 public:
  job(std::uint64_t number, question of) : number_(number), question_(std::move(of)) {}

  std::uint64_t number() const noexcept { return number_; }
  const question& asked() const noexcept { return question_; }
  std::size_t tokens() const noexcept { return tokens_; }

  // Waits until there is something to take: of a stream a word, else the whole text. Once in a
  // second it asks whether nobody waits for it any more, and returns false then.
  bool wait(const std::function<bool()>& left);
  // The same, without asking: returns false as soon as the token says so.
  bool wait(const std::stop_token& left);

  std::string take();  // what has come since the last call
  bool over() const;   // and all has been taken

 private:
  friend class slots;
  bool ready() const { return over_ || (question_.stream && !text_.empty()); }

  const std::uint64_t number_;
  const question question_;
  std::atomic<bool> stopped_{false};
  std::atomic<std::size_t> tokens_{0};
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string text_;
  bool over_ = false;
};

class slots {
 public:
  static constexpr std::size_t longest_queue = 4096;

  slots(const model& of, std::size_t count);
  ~slots();  // stops all

  // Null: the queue is full, or the end has begun.
  std::shared_ptr<job> begin(question of);
  // Nobody waits for it any more: it leaves the queue, or stops before its next word.
  void stop(job& j);
  void stop_all();

  struct view {
    bool busy;
    std::uint64_t job;
    std::size_t tokens;
  };
  std::vector<view> now() const;
  std::size_t queued() const;

 private:
  struct slot {
    std::shared_ptr<job> of{};
  };
  void run(std::size_t number, const std::stop_token& stop);
  static void end(job& j, const std::string& how);

  const model& model_;
  mutable std::mutex mutex_;
  std::condition_variable_any more_;
  std::deque<std::shared_ptr<job>> queue_;
  std::vector<slot> slots_;
  std::uint64_t last_ = 0;
  bool closed_ = false;
  std::vector<std::jthread> threads_;
};

// A line to standard error, whole.
void say(std::string line);

}  // namespace llm
