// One of several threads that use one tree at once, and what must hold at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "tests/unit/context/model_plan.h"
#include "tests/unit/context/model_real.h"
#include "tests/unit/context/model_schedule.h"

namespace hangup::model {

inline void pause(int turns) {
  std::atomic<int> turn{0};
  while (turn.fetch_add(1, std::memory_order_relaxed) < turns) {
  }
}

inline std::size_t index(int n) {
  return static_cast<std::size_t>(n);
}

// The end of a context, for whoever has it; the last one to let go ends the context.
struct ender {
  cancel_func cancel;
  std::atomic<bool>& dropped;

  ender(cancel_func c, std::atomic<bool>& says_so) : cancel(std::move(c)), dropped(says_so) {}
  ender(const ender&) = delete;
  ender& operator=(const ender&) = delete;
  ~ender() { dropped.store(true, std::memory_order_relaxed); }
};

struct handle {
  context ctx;
  std::shared_ptr<const ender> end{};
};

// Where a context is handed from thread to thread.
struct cell {
  std::atomic<bool> dropped{false};
  std::atomic<bool> there{false};
  std::optional<handle> of{};
};

// What is not atomic here is guarded by what after_func promises: TSan would tell.
struct function {
  context ctx = background();
  int ran = 0;
  bool runs = false;  // just now
  bool gone = false;
  std::atomic<int> stops{0};
  std::atomic<bool> there{false};
  std::unique_ptr<registration> on{};
};

// What all threads use.
struct shared_things {
  explicit shared_things(schedule& s_)
      : s(s_), p(s_), cells(index(p.model.size())), functions(p.functions.size()) {}

  // A function, on the end of its context, on any thread.
  void fire(int f);
  void react(const planned_function& planned, const context& ctx);
  void stop(int f, bool and_wait);
  template <class End>
  static void made(raise& r, const End& end) {
    r.begin = context::clock::now();
    end();
    r.end = context::clock::now();
    r.made = true;
  }

  schedule& s;
  plan p;
  std::stop_source sources[plan::sources];
  std::deque<cell> cells;  // by context
  std::deque<function> functions;
  std::deque<std::pair<int, std::vector<cancelable>>> crowds;
};

struct taken_token {
  int node;
  std::stop_token token;
  int ran = 0;
  std::unique_ptr<std::stop_callback<std::function<void()>>> callback{};
};

// One thread, and what it knows.
class worker {
 public:
  worker(shared_things& all, std::vector<std::optional<handle>> first);
  void perform(const operation& o);
  // Null: it does not exist, or not for this thread.
  handle* find(int node);

  std::vector<std::optional<handle>> held;  // by context
  std::vector<const cause*> seen;           // by context
  std::deque<taken_token> tokens;

 private:
  void derive(const operation& o);
  void cancel(const operation& o, bool expires);
  void check_ended(int node, const cause& with);
  void look(int node, bool must_be_done = false);
  void take_token(int node);
  void add(const operation& o);

  shared_things& all_;
  schedule& s_;
  std::vector<int> own_functions_;
};

}  // namespace hangup::model
