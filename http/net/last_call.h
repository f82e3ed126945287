// Coordinates one caller with many words, whose owners go to rest. For each owner one of two things
// is certain: it learns that the call was made, or the caller learns that it rests.
//
// An owner first writes to its word that it rests, and then checks whether the call was made. The
// caller first makes the call, and then reads all words. With weaker memory orders each side could
// read the other's old value, because its own store is still in a store buffer: the owner would
// rest, the caller would not see it, and the owner would never be woken. So all four steps are
// sequentially consistent. In their single order either the call comes first and the owner learns
// of it, or the rest comes first and the caller sees it. Both may happen, so an owner must tolerate
// to be woken twice.
//
// Thread-safe. A call is made once and not taken back. One rest() works for several calls.
#pragma once

#include <atomic>

namespace hangup::http {

class last_call {
 public:
  // Makes the call. What happened before it happens before what is done by those that learn of it.
  void make() noexcept { made_.store(true, std::memory_order_seq_cst); }

  // Writes to `word` that its owner rests from now on, and in which state. The owner must then
  // check made(): if that is true, it may not be woken by anybody else.
  template <class T>
  static void rest(std::atomic<T>& word, T as) noexcept {
    word.store(as, std::memory_order_seq_cst);
  }
  bool made() const noexcept { return made_.load(std::memory_order_seq_cst); }

  // The value of `word`. To be called after make().
  template <class T>
  static T seen(const std::atomic<T>& word) noexcept {
    return word.load(std::memory_order_seq_cst);
  }

 private:
  std::atomic<bool> made_{false};
};

}  // namespace hangup::http
