// The timers of one executor: a pairing heap whose nodes are the timers themselves. Arming is O(1),
// the others are O(log n) on average, none allocates and none recurses. One thread.
#pragma once

#include <chrono>
#include <utility>

#include "hangup/context/detail/executor.h"

namespace hangup::tree {

class timed_heap {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  bool empty() const noexcept { return first_ == nullptr; }
  time_point next() const noexcept { return first_->when_; }  // of a heap that is not empty

  void insert(timed& t, time_point when) noexcept {
    t.when_ = when;
    t.armed_ = true;
    first_ = first_ == nullptr ? &t : &merged(*first_, t);
  }

  void remove(timed& t) noexcept {
    timed* const below = paired(std::exchange(t.child_, nullptr));
    if (&t == first_) {
      first_ = below;
    } else {
      (t.prev_->child_ == &t ? t.prev_->child_ : t.prev_->next_) = t.next_;
      if (t.next_ != nullptr) {
        t.next_->prev_ = t.prev_;
      }
      t.next_ = nullptr;
      t.prev_ = nullptr;
      if (below != nullptr) {
        first_ = &merged(*first_, *below);
      }
    }
    t.armed_ = false;
  }

  timed& take_first() noexcept {
    timed& t = *first_;
    remove(t);
    return t;
  }

 private:
  // Of two heaps without siblings.
  static timed& merged(timed& a, timed& b) noexcept {
    timed& above = b.when_ < a.when_ ? b : a;
    timed& below = b.when_ < a.when_ ? a : b;
    below.prev_ = &above;
    below.next_ = above.child_;
    if (below.next_ != nullptr) {
      below.next_->prev_ = &below;
    }
    above.child_ = &below;
    return above;
  }

  // One heap of siblings: merges them in pairs, and then the pairs from the last to the first.
  static timed* paired(timed* siblings) noexcept {
    timed* pairs = nullptr;
    while (siblings != nullptr) {
      timed* one = siblings;
      timed* const two = one->next_;
      siblings = two == nullptr ? nullptr : two->next_;
      one->next_ = nullptr;
      one->prev_ = nullptr;
      if (two != nullptr) {
        two->next_ = nullptr;
        two->prev_ = nullptr;
        one = &merged(*one, *two);
      }
      one->next_ = pairs;
      pairs = one;
    }
    timed* all = nullptr;
    while (pairs != nullptr) {
      timed* const one = std::exchange(pairs, pairs->next_);
      one->next_ = nullptr;
      all = all == nullptr ? one : &merged(*all, *one);
    }
    return all;
  }

  timed* first_ = nullptr;
};

}  // namespace hangup::tree
