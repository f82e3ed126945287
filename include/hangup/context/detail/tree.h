// The data structure behind context.h. Not for users.
//
// A context is a handle to a node. A node has one parent, which never changes, and holds a
// reference to it. Value nodes and shields have no further state. A `scope` is a node that can end;
// it is registered with the nearest scope above it, its `up`.
//
// Invariants
// 1. Every scope in a list of kids, and every hook in a list of hooks, holds a reference to the
//   scope that owns the list. So a scope with kids or hooks is never destroyed.
// 2. They are removed from the list, under the lock of the owning scope, before the reference is
//   released.
// 3. `prev`, `next` and `linked` of a kid are guarded by the lock of its `up`. Once an ended kid
//   has been unlinked, its `next` belongs to the thread that ended it.
// 4. The end runs in three steps: (a) all descendants are ended and threads that sleep on them
//   are woken, without calling user code; (b) all of them are marked as settled; (c) stop tokens
//   are triggered and hooks run. A second caller of cancel() waits for step (b) only, so a hook may
//   cancel any context without a deadlock. A scope stays in its parent's list until its descendants
//   have been ended; if the parent is being ended at the same time, it finds the scope there and
//   waits for it. So waits for step (b) only go down the tree and cannot form a cycle.
// 5. The walk through the tree uses lists linked by `next`, not recursion. So a chain of any
//   depth can be ended and destroyed on a small stack.
// 6. A scope has ended before its last reference is released, because its cancel_func holds a
//   reference and ends it first. So no thread can find a live scope that is being destroyed.
// 7. A registration outside of the tree (with a second parent, a stop token or a signal) is
//   removed in step (c), by a thread that holds a reference and no lock; see keep().
//
// Lock order: the lock of a scope, then that of one of its kids, never more than these two; then
// the lock of a service (timer, signals) or of an executor's queue, which may be taken while they
// are held. No lock is held while user code runs.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>
#include <typeinfo>
#include <utility>

#include "hangup/context/cause.h"
#include "hangup/context/detail/state_word.h"
#include "hangup/context/detail/timer.h"

#pragma GCC visibility push(default)

namespace hangup::tree {

using clock = std::chrono::steady_clock;

class posts;
struct scope;
struct value_node;

struct node {
  constexpr node() noexcept = default;  // a root
  explicit node(node& above) noexcept;
  virtual ~node() = default;
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  // The code that makes a node must take a reference to its parent after the node has been made:
  // see context_access::adopt().
  void ref() const noexcept {
    // Roots are never destroyed and shared by all threads, so they are not counted.
    if (parent != nullptr) {
      refs.fetch_add(1, std::memory_order_relaxed);
    }
  }
  void unref() const noexcept {
    if (parent != nullptr && drop_ref()) {
      destroy(this);
    }
  }
  // Returns true if it released the last reference. If the caller has the only reference, no other
  // thread can make a new one, so no atomic decrement is needed.
  bool drop_ref() const noexcept {
    return (!watched && refs.load(std::memory_order_acquire) == 1) ||
           refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  // Takes a reference unless the last one has already been released: for services that keep
  // pointers to nodes without a reference.
  bool try_ref() const noexcept;

  mutable std::atomic<std::uint32_t> refs{1};
  bool watched = false;  // a service (timer, signals) may call try_ref() on it
  node* const parent = nullptr;
  scope* ends = nullptr;                 // the scope that ends this context; null: it never ends
  const value_node* values = nullptr;    // the nearest value at or above this node
  virtual void leave_tree() noexcept {}  // called once, when no reference is left
  virtual void print(std::string&) const {}  // appends a description of this node

 private:
  static void destroy(const node* n) noexcept;
};

struct value_node : node {
  value_node(node& above, const void* key) noexcept;
  virtual const void* get() const noexcept = 0;
  virtual const std::type_info& key() const noexcept = 0;
  void print(std::string& to) const override;  // the key only: values do not belong in logs

  // The value with this key in this node or above it.
  const value_node* find(const void* key) const noexcept {
    for (const auto* v = this; v != nullptr; v = v->skip) {
      for (std::size_t i = 0; i < width; ++i) {
        if (v->tags[i] == key) {
          for (; i > 0; --i) {
            v = v->next_value;
          }
          return v;
        }
      }
    }
    return nullptr;
  }

  // Each step of a look-up waits for memory. So a node also stores the keys of the next few nodes.
  static constexpr std::size_t width = 4;
  std::array<const void*, width> tags;  // the keys of this node and of those above it
  const value_node* const next_value;
  const value_node* skip = nullptr;  // the first that is not in `tags`
};

template <class Key>
inline constexpr char key_tag = 0;  // its address is the key

template <class Key>
struct value_of final : value_node {
  value_of(node& above, typename Key::type v)
      : value_node(above, &key_tag<Key>), value(std::move(v)) {}
  const void* get() const noexcept override { return &value; }
  const std::type_info& key() const noexcept override { return typeid(Key); }

  const typename Key::type value;
};

// A context with the values of its parent, but without its end and its deadline.
struct shield final : node {
  explicit shield(node& above) noexcept : node(above) { ends = nullptr; }
  void print(std::string& to) const override;
};

// One registered function. It is a part of the registration object, so it needs no allocation of
// its own.
struct hook {
  virtual void fire() noexcept = 0;
  virtual void wake_with(posts&) noexcept {}

  hook* prev = nullptr;
  hook* next = nullptr;
  bool linked = false;
  // For a hook that does nothing but wake a task: its executor. At the end, wake_with() is then
  // called, with the lock of the scope held. It does not use the hook once the task is awake.
  const void* wakes_on = nullptr;
  // Set while it runs; true is stored there if it is destroyed meanwhile.
  bool* destroyed = nullptr;

 protected:
  ~hook() = default;
};

struct scope : node {
  scope(node& above, const location& made) noexcept;
  ~scope() override;
  void leave_tree() noexcept override;
  void print(std::string& to) const override;
  virtual void disarm() noexcept {}     // called at the end: removes the scope from its service
  virtual void give_back() noexcept {}  // see keep()

  // The members that ending a whole subtree uses come first, so that it touches few cache lines.
  mutable state_word word;
  bool linked = false;
  std::atomic<bool> detached{false};  // unlinked, and no other thread will touch it any more
  bool kept = false;                  // see keep(); guarded by word until the end
  bool calls = false;                 // whether step (c) has anything to call; set at the end
  scope* up = nullptr;                // the scope where it is registered; null: none
  scope* next = nullptr;
  scope* prev = nullptr;
  scope* kids = nullptr;                           // guarded by word
  hook* hooks = nullptr;                           // guarded by word
  std::stop_source stop_source{std::nostopstate};  // guarded by word; made when first needed
  // Its own cause or that of an ancestor; written before the end is published.
  const cause* why = nullptr;

  scope* next_awaited = nullptr;          // used by the one thread that ends `up`
  std::atomic<hook*> running{nullptr};    // the hook that is running
  std::atomic<std::thread::id> runner{};  // the thread that runs it

  cause own;  // where it was made and what its deadline would report; the cause, once it has ended

  // The earliest deadline of this scope and those above.
  clock::time_point due = clock::time_point::max();
  scope* due_owner = nullptr;  // the scope whose deadline that is
};

struct timed_scope final : scope, timer {
  timed_scope(node& above, clock::time_point when, cause&& on_expiry) noexcept;
  void leave_tree() noexcept override;
  void print(std::string& to) const override;
  void disarm() noexcept override;
  bool acquire() noexcept override;
  void expire() noexcept override;
};

// Registers a new scope with the scope above it. If that one has ended, the new one is ended too.
void attach(scope& s) noexcept;

// Ends `s` and everything below it. The caller must hold a reference. Returns false if it had
// already ended; then it first waits until the end of the whole subtree is visible.
bool end(scope& s, std::uint32_t how, cause&& why) noexcept;
// The same for a plain cancellation, after must_end() has returned true. `from` may be unknown.
void cancel(scope& s, const location& from) noexcept;
inline bool must_end(scope& s) noexcept {
  if (s.word.how_ended() == 0) {
    return true;
  }
  s.word.wait_settled();
  return false;
}
// The same, because its own deadline has passed.
bool expire(scope& s) noexcept;
// The same, because another scope has ended, and with the cause of that one.
bool end_as(scope& s, const scope& other) noexcept;

// For scopes that are also registered outside of the tree. Returns true if the registration will be
// undone by give_back(), which the thread that ends the scope calls once, without holding a lock.
// Returns false if the scope has already ended; then the caller must undo it.
[[nodiscard]] bool keep(scope& s) noexcept;

// Ends the scopes whose deadline has passed, without waiting for the timer thread.
bool end_if_due(scope& s) noexcept;

// Registers a hook. If the scope has already ended, the hook runs here, at once.
void add(scope& s, hook& h) noexcept;
// Unregisters a hook. Returns true if it was registered and will never run.
bool remove(scope& s, hook& h) noexcept;
// For hooks that only wake. If one of the same executor is found among the first in the list, it is
// returned, and `h` is not registered.
hook* add_unless_there_is(scope& s, hook& h) noexcept;
// As remove(), and registers `other`, if any, in the place of `h`. Returns false, and does nothing,
// if `h` has been called; if it only wakes, it is not running any more.
bool hand_over(scope& s, hook& h, hook* other) noexcept;
// Waits until the hook is not running. Called from inside the hook, it returns true at once.
bool wait_not_running(scope& s, hook& h) noexcept;
// Must be called before the hook is destroyed. The hook may destroy itself while it runs.
void withdraw(scope& s, hook& h) noexcept;

std::stop_token token_of(scope& s);

}  // namespace hangup::tree

#pragma GCC visibility pop
