// What several threads do at once, made from a seed before they start.
#pragma once

#include <deque>
#include <vector>

#include "tests/unit/context/model.h"
#include "tests/unit/context/model_schedule.h"

namespace hangup::model {

enum class op {
  with_cancel,
  with_deadline,
  with_value,
  without_cancel,
  with_either,
  with_token_of,
  with_source,
  crowd,  // many children at once: their end takes long enough to be met in the middle
  cancel,
  expire,
  request_stop,
  drop,
  look,
  token,
  add,
  stop,
  stop_and_wait,
  destroy,
  sleep,
  sleep_as_task,
  pause,
};

struct operation {
  op what;
  int node = none;    // on which context
  int second = none;  // and on which other
  int number = 0;     // of what it makes, uses or ends with; or how long, how many
  time_point when{};
};

// A cause that somebody ends a context with, and when that was.
struct raise {
  int node;
  cause why;
  bool made = false;
  time_point begin{};
  time_point end{};
};

enum class reaction { pause, fail, derive, cancel, stop };

struct planned_function {
  int node;
  reaction what;
  int number;  // of the cause, or of the function to stop; or how long
};

struct plan {
  explicit plan(schedule& s);

  plain_tree model;
  // The first is done by one thread, before the others start with the contexts that it has made.
  std::vector<std::vector<operation>> lists;
  std::deque<raise> raises;
  std::vector<planned_function> functions;
  int first_functions = 0;   // those of the first list: any thread may stop them
  std::vector<bool> shared;  // by context: the other threads get it as soon as it is there
  std::vector<bool> soon;    // by context: its own deadline passes while the threads run
  static constexpr int sources = 2;
};

}  // namespace hangup::model
