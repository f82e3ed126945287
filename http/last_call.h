// One call to many that come to rest: who rests is seen by the caller, or has heard the call.
//
// Each says in a word of its own that it rests, then looks whether the call was made. The caller
// makes the call, then looks at all words. With weaker orders each of the two may keep its own
// store back and read the other's old value (a "store buffer"): the one rests, the other does not
// see it, and nobody wakes it. So all four steps are sequentially consistent: in their one order
// either the call comes first and is heard, or the rest comes first and is seen. Both may be true:
// to be woken twice must do no harm.
//
// Thread-safe. A call is made once and is never taken back. One rest() serves several calls.
#pragma once

#include <atomic>

namespace hangup::http {

class last_call {
 public:
  // What was done before it happens before what is done by those that hear it.
  void make() noexcept { made_.store(true, std::memory_order_seq_cst); }

  // Says in `word` that its owner rests from now on, and how. Then it has to look at made(): if
  // that is true, nobody else may wake it.
  template <class T>
  static void rest(std::atomic<T>& word, T as) noexcept {
    word.store(as, std::memory_order_seq_cst);
  }
  bool made() const noexcept { return made_.load(std::memory_order_seq_cst); }

  // After make(): what rest() has said.
  template <class T>
  static T seen(const std::atomic<T>& word) noexcept {
    return word.load(std::memory_order_seq_cst);
  }

 private:
  std::atomic<bool> made_{false};
};

}  // namespace hangup::http
