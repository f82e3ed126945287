// The library and the model side by side, as one thread has them in hand: whatever is done, is done
// to both, and then all that can be seen must be the same.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <vector>

#include "tests/unit/context/model.h"
#include "tests/unit/context/model_real.h"
#include "tests/unit/context/model_schedule.h"

namespace hangup::model {

// What a function does when it runs: one of these operations, or throw, or end its registration.
enum class action { nothing, stop, cancel, drop, derive, add, request_stop, fail, leave };

class lockstep {
 protected:
  struct held {  // a context, and perhaps the end of one
    int node;
    context ctx;
    int ends = none;
    cancel_func cancel{};
  };

  struct function {
    context ctx;
    action what;
    int ran = 0;
    std::unique_ptr<registration> on{};
  };

  struct taken_token {
    int node;
    std::stop_token token;
    int ran = 0;
    std::unique_ptr<std::stop_callback<std::function<void()>>> callback{};
  };

  explicit lockstep(schedule& s) : s_(s) {
    for (const auto& root : {background(), todo()}) {
      hold(model_.root(), root);
    }
  }

  static std::size_t index(int n) { return static_cast<std::size_t>(n); }
  function& at(int f) { return functions_[index(f)]; }

  template <class... Parts>
  bool expect(bool holds, const Parts&... parts) {
    return s_.check(holds, "after operation ", step_, ": ", parts...);
  }

  template <class... Parts>
  void log(const Parts&... parts) {
    s_.log(step_, depth_ == 0 ? " " : "   a function: ", parts...);
  }

  void hold(int node, const context& ctx) {
    held_.push_back(std::make_unique<held>(held{node, ctx}));
  }
  void hold(int node, cancelable both) {
    held_.push_back(
        std::make_unique<held>(held{node, std::move(both.ctx), node, std::move(both.cancel)}));
  }
  // Rather one that lives, so that there is something left to happen.
  held& any();
  std::unique_ptr<held> take_out();

  void begin(int step);
  void compare();

  schedule& s_;
  plain_tree model_;
  int step_ = 0;
  int depth_ = 0;  // of functions that run just now
  std::vector<std::unique_ptr<held>> held_;
  std::deque<function> functions_;
  std::deque<taken_token> tokens_;

 private:
  void look(const held& h, const dependants& all);
  void compare_some_pair();

  time_point began_{};
  std::map<int, const cause*> shown_;   // by whose end it was
  std::map<const cause*, int> owners_;  // the reverse
};

}  // namespace hangup::model
