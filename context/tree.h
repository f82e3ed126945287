// The tree behind the handles: what context.h is made of. Not for users.
//
// A context is a handle to a node. A node has a parent for ever and holds a reference to it. Value
// nodes and shields add nothing to the tree but themselves; a `scope` is a node that can end, and
// is registered with the nearest scope above it, its `up`.
//
// Invariants
//   1. A scope in a list of kids, and a hook in a list of hooks, hold a reference to the scope
//   whose
//      list it is. So a scope with kids or hooks cannot be destroyed.
//   2. They leave the list, under that scope's lock, before they let go of the reference.
//   3. `prev`, `next` and `linked` of a kid are guarded by the lock of its `up`; once an ended kid
//   is
//      unlinked, `next` belongs to the thread that ended it.
//   4. Lock order is from parent to child, and at most two locks are held. No lock is held while a
//      user's code runs, and the timer's lock may be taken under a scope's lock, never the reverse.
//   5. The end runs in three steps: all descendants are ended and their sleepers woken (no user
//      code), all of them are settled, then stop tokens are triggered and hooks run. Who calls
//      cancel() second waits for the second step only, so a hook may cancel anything without a
//      deadlock. Until its descendants have been ended a scope stays in its parent's list, where a
//      parent that is just being ended finds it and waits for it.
//   6. The walk uses a list through `next`, no recursion: a chain of any depth can be ended and
//      destroyed on a small stack.
//   7. A scope has ended before its last reference goes: its cancel_func holds one, and ends it
//      first. So nobody can meet a living scope that is being destroyed.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <thread>
#include <utility>

#include "context/cause.h"
#include "context/state_word.h"
#include "context/timer.h"

namespace hangup::tree {

using clock = std::chrono::steady_clock;

struct scope;
struct value_node;

struct node {
  constexpr node() noexcept = default;  // a root
  explicit node(node& above) noexcept;
  virtual ~node() = default;
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  // Whoever makes a node owes its parent a reference, once that has succeeded:
  // context_access::adopt.
  void ref() const noexcept {
    if (parent != nullptr) {  // roots live for ever and are shared by all threads: never counted
      refs.fetch_add(1, std::memory_order_relaxed);
    }
  }
  void unref() const noexcept {
    if (parent != nullptr && refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      destroy(this);
    }
  }
  // For the timer, which may meet a node whose last handle is just going away.
  bool try_ref() const noexcept;

  mutable std::atomic<std::uint32_t> refs{1};
  node* const parent = nullptr;
  scope* ends = nullptr;                 // the scope that ends this context; null: never ends
  const value_node* values = nullptr;    // the nearest value at or above this node
  virtual void leave_tree() noexcept {}  // called once, with no reference left

 private:
  static void destroy(const node* n) noexcept;
};

struct value_node : node {
  value_node(node& above, const void* key) noexcept : node(above), tag(key) { values = this; }
  virtual const void* get() const noexcept = 0;

  const void* const tag;
};

template <class Key>
inline constexpr char key_tag = 0;  // its address is the key

template <class Key>
struct value_of final : value_node {
  value_of(node& above, typename Key::type v)
      : value_node(above, &key_tag<Key>), value(std::move(v)) {}
  const void* get() const noexcept override { return &value; }

  const typename Key::type value;
};

// A context that keeps the values above it and drops the end and the deadline.
struct shield final : node {
  explicit shield(node& above) noexcept : node(above) { ends = nullptr; }
};

// One registered function. Lives in the registration (no allocation of its own).
struct hook {
  virtual void fire() noexcept = 0;

  hook* prev = nullptr;
  hook* next = nullptr;
  bool linked = false;
  bool* destroyed = nullptr;  // set while it runs: where to say that it destroyed itself

 protected:
  ~hook() = default;
};

struct scope : node {
  explicit scope(node& above) noexcept;
  ~scope() override;
  void leave_tree() noexcept override;
  virtual void disarm() noexcept {}

  mutable state_word word;
  scope* up = nullptr;  // where it is registered; null: nowhere
  bool linked = false;
  std::atomic<bool> detached{false};  // unlinked for good, and nobody else will touch it
  scope* prev = nullptr;
  scope* next = nullptr;
  scope* next_awaited = nullptr;  // for the one thread that ends `up`

  scope* kids = nullptr;                           // guarded by word
  hook* hooks = nullptr;                           // guarded by word
  std::stop_source stop_source{std::nostopstate};  // guarded by word, made on demand
  std::atomic<hook*> running{nullptr};             // the hook that runs just now
  std::atomic<std::thread::id> runner{};           // and on which thread

  const cause* why = nullptr;  // its own or an ancestor's; written before the end is published
  cause own;

  clock::time_point due = clock::time_point::max();  // the earliest deadline here or above
  scope* due_owner = nullptr;                        // the scope that this deadline ends
};

struct timed_scope final : scope, timer {
  timed_scope(node& above, clock::time_point when) noexcept;
  void leave_tree() noexcept override;
  void disarm() noexcept override;
  bool acquire() noexcept override;
  void expire() noexcept override;
};

// Registers a new scope with the scope above; ended at once if that one has ended.
void attach(scope& s) noexcept;

// Ends `s` and everything below it. The caller holds a reference. False: it had ended already; then
// it returns when the end of the whole subtree is visible.
bool end(scope& s, std::uint32_t how, cause&& why) noexcept;

// Ends whatever a passed deadline should have ended by now, without waiting for the timer thread.
bool end_if_due(scope& s) noexcept;

// Registers a hook; runs it at once, here, if the scope has ended.
void add(scope& s, hook& h) noexcept;
// True: it was registered and will never run.
bool remove(scope& s, hook& h) noexcept;
// Returns when the hook does not run (any more); at once when called from inside it.
void wait_not_running(scope& s, hook& h) noexcept;

std::stop_token token_of(scope& s);

}  // namespace hangup::tree
