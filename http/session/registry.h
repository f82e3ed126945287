// All connections of a server: how many there may be, which there are, and when all are gone.
// Thread-safe. Not for users.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <vector>

#include "hangup/context/wait.h"
#include "hangup/http/limit.h"
#include "hangup/http/options.h"
#include "http/session/connection.h"

namespace hangup::http {

class registry {
 public:
  static constexpr std::size_t at_once = 64;  // looked at before the lock is released

  explicit registry(const options& how) noexcept : how_(how) {}

  struct admission {
    bool in = false;
    limit over = limit::none;  // the limit that was reached
  };
  // Adds a connection, unless the server closes. One that is over a limit is added only to be told
  // so, and only a few of them at a time; its connection::refused says which limit.
  admission add(connection& c, const std::atomic<bool>& closing) noexcept;
  // Takes it out again. Iterations that are at this connection move on. Then its owner deletes it,
  // and at last calls gone() with its connection::refused: when nothing is counted any more, all of
  // them have been destroyed.
  void take_out(connection& c) noexcept;
  void gone(limit refused) noexcept;

  // Calls `look` for each connection, but not for those added after the start. The lock is released
  // after every 64 of them, and `between` is called then, until it returns that it has seen enough.
  template <class Look, class Between>
  void each(const Look& look, const Between& between);
  // Calls `look` with the connection that has this descriptor, if there is one, under the lock.
  template <class Look>
  void look_at(int descriptor, const Look& look);
  // As each(), without releasing the lock: no connection is added or taken out meanwhile.
  template <class Look>
  void each_at_once(const Look& look);

  // Waits until `holds` is true, which is looked at when there is a connection less, and after
  // notify(). Returns ctx.err() if the context ends first.
  template <class Holds>
  std::error_code wait_until(const context& ctx, const Holds& holds) {
    std::unique_lock hold(mutex_);
    return wait(ctx, changed_, hold, holds);
  }
  void notify() noexcept {
    const std::lock_guard hold(mutex_);
    changed_.notify_all();
  }
  // For `holds`: whether there is none.
  bool is_empty() const noexcept { return count_ == 0; }

 private:
  // An iteration. When a connection is taken out, each `at` that points to it moves on.
  struct pass {
    connection* at = nullptr;
    pass* next = nullptr;
  };
  class registered_pass;

  const options& how_;
  std::mutex mutex_;  // guards all of the following
  std::condition_variable_any changed_;
  connection* first_ = nullptr;
  std::vector<connection*> by_descriptor_;
  pass* passes_ = nullptr;
  std::size_t count_ = 0;
  std::size_t refused_ = 0;  // how many of these are only told that they are too many
  std::unordered_map<std::string, std::size_t> by_address_;  // used if there is a limit per address
};

class registry::registered_pass : public pass {
 public:
  registered_pass(registry& of, std::unique_lock<std::mutex>& hold) noexcept
      : of_(of), hold_(hold) {
    at = of_.first_;
    next = of_.passes_;
    of_.passes_ = this;
  }
  ~registered_pass() {
    if (!hold_.owns_lock()) {
      hold_.lock();
    }
    auto** here = &of_.passes_;
    while (*here != this) {
      here = &(*here)->next;
    }
    *here = next;
  }
  registered_pass(const registered_pass&) = delete;
  registered_pass& operator=(const registered_pass&) = delete;

 private:
  registry& of_;
  std::unique_lock<std::mutex>& hold_;
};

template <class Look, class Between>
void registry::each(const Look& look, const Between& between) {
  std::unique_lock hold(mutex_);
  registered_pass here(*this, hold);
  for (bool enough = false; here.at != nullptr && !enough;) {
    for (std::size_t i = 0; i < at_once && here.at != nullptr; ++i) {
      connection& c = *here.at;
      here.at = c.next_of_all;
      look(c);
    }
    hold.unlock();
    std::this_thread::yield();  // to threads that wait for the lock
    enough = !between();
    hold.lock();
  }
}

template <class Look>
void registry::look_at(int descriptor, const Look& look) {
  const std::lock_guard hold(mutex_);
  const auto at = static_cast<std::size_t>(descriptor);  // one below 0 is beyond all of them
  if (at < by_descriptor_.size() && by_descriptor_[at] != nullptr) {
    look(*by_descriptor_[at]);
  }
}

template <class Look>
void registry::each_at_once(const Look& look) {
  const std::lock_guard hold(mutex_);
  for (connection* c = first_; c != nullptr; c = c->next_of_all) {
    look(*c);
  }
}

}  // namespace hangup::http
