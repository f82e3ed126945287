#include "examples/llm/slots.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace llm {

using namespace std::chrono_literals;

bool job::wait(const std::function<bool()>& left) {
  std::unique_lock hold(mutex_);
  while (!changed_.wait_for(hold, 1s, [this] { return ready(); })) {
    hold.unlock();
    if (left()) {
      return false;
    }
    hold.lock();
  }
  return true;
}

bool job::wait(const std::stop_token& left) {
  std::unique_lock hold(mutex_);
  return changed_.wait(hold, left, [this] { return ready(); });
}

std::string job::take() {
  const std::lock_guard hold(mutex_);
  return std::exchange(text_, {});
}

bool job::over() const {
  const std::lock_guard hold(mutex_);
  return over_ && text_.empty();
}

slots::slots(const model& of, std::size_t count) : model_(of), slots_(count) {
  for (std::size_t i = 0; i < count; ++i) {
    threads_.emplace_back([this, i](const std::stop_token& stop) { run(i, stop); });
  }
}

slots::~slots() {
  stop_all();
}

std::shared_ptr<job> slots::begin(question of) {
  const std::lock_guard hold(mutex_);
  if (closed_ || queue_.size() >= longest_queue) {
    return nullptr;
  }
  auto j = std::make_shared<job>(++last_, std::move(of));
  queue_.push_back(j);
  more_.notify_one();
  return j;
}

void slots::stop(job& j) {
  j.stopped_ = true;
  bool waited = false;
  {
    const std::lock_guard hold(mutex_);
    waited = std::erase_if(queue_, [&](const auto& q) { return q.get() == &j; }) != 0;
  }
  if (waited) {
    end(j, "never begun");
  }
}

void slots::stop_all() {
  std::deque<std::shared_ptr<job>> waiting;
  {
    const std::lock_guard hold(mutex_);
    closed_ = true;
    waiting.swap(queue_);
    for (const auto& s : slots_) {
      if (s.of) {
        s.of->stopped_ = true;
      }
    }
  }
  for (const auto& j : waiting) {
    end(*j, "never begun");
  }
}

std::vector<slots::view> slots::now() const {
  std::vector<view> all;
  const std::lock_guard hold(mutex_);
  for (const auto& s : slots_) {
    all.push_back(s.of ? view{true, s.of->number(), s.of->tokens()} : view{false, 0, 0});
  }
  return all;
}

std::size_t slots::queued() const {
  const std::lock_guard hold(mutex_);
  return queue_.size();
}

void slots::run(std::size_t number, const std::stop_token& stop) {
  std::unique_lock hold(mutex_);
  while (more_.wait(hold, stop, [this] { return !queue_.empty(); })) {
    const auto j = queue_.front();
    queue_.pop_front();
    slots_[number].of = j;
    hold.unlock();

    say("job " + std::to_string(j->number()) + ": begins in slot " + std::to_string(number));
    generator words(model_, j->asked().prompt, j->asked().seed);
    while (!j->stopped_ && j->tokens_ < j->asked().max_tokens) {
      const std::string word = words.next();
      const std::lock_guard hold_job(j->mutex_);
      j->text_ += word;
      ++j->tokens_;
      if (j->asked().stream) {
        j->changed_.notify_all();
      }
    }
    hold.lock();
    slots_[number].of = nullptr;
    hold.unlock();
    end(*j, "slot " + std::to_string(number) + ", " + std::to_string(j->tokens()) + " tokens, " +
                (j->tokens() < j->asked().max_tokens ? "stopped" : "complete"));
    hold.lock();
  }
}

void slots::end(job& j, const std::string& how) {
  say("job " + std::to_string(j.number()) + ": " + how);
  const std::lock_guard hold(j.mutex_);
  j.over_ = true;
  j.changed_.notify_all();
}

void say(std::string line) {
  line += '\n';
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace llm
