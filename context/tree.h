// The tree behind the handles: what context.h is made of. Not for users.
//
// A context is a handle to a node. A node has a parent for ever and holds a reference to it. Value
// nodes and shields add nothing to the tree but themselves; a `scope` is a node that can end, and
// is registered with the nearest scope above it, its `up`.
//
// Invariants
//   1. A scope in a list of kids, and a hook in a list of hooks, hold a reference to the scope that
//      has the list. So a scope with kids or hooks cannot be destroyed.
//   2. They leave the list, under that scope's lock, before they let go of the reference.
//   3. `prev`, `next` and `linked` of a kid are guarded by the lock of its `up`; `next` of an ended
//      kid that has been unlinked belongs to the thread that ended it.
//   4. The end runs in three steps: all descendants are ended and their sleepers woken (no user
//      code), all of them are settled, then stop tokens are triggered and hooks run. Who calls
//      cancel() second waits for the second step only, so a hook may cancel anything without a
//      deadlock. Until its descendants have been ended a scope stays in its parent's list, where a
//      parent that is just being ended finds it and waits for it. So the waits for a second step go
//      down the tree only, and cannot close a circle.
//   5. The walk uses a list through `next`, no recursion: a chain of any depth can be ended and
//      destroyed on a small stack.
//   6. A scope has ended before its last reference goes: its cancel_func holds one, and ends it
//      first. So nobody can meet a living scope that is being destroyed.
//   7. What is registered outside of the tree (with a second parent, a stop token, a signal) is
//   given
//      back in the third step, by a thread that holds a reference and no lock (keep()).
//
// Lock order: a scope's lock, then a kid's, never more than these two; then the lock of a service
// (timer, signals), which may be taken under them. No lock is held while a user's code runs.
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
    if (parent != nullptr && drop_ref()) {
      destroy(this);
    }
  }
  // True: that was the last one. Whoever has the only reference needs no atomic step to see that
  // nobody can make another.
  bool drop_ref() const noexcept {
    return (!watched && refs.load(std::memory_order_acquire) == 1) ||
           refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  // For a service, which may meet a node whose last handle is just going away.
  bool try_ref() const noexcept;

  mutable std::atomic<std::uint32_t> refs{1};
  bool watched = false;  // by a service (timer, signals), which makes references out of nothing
  node* const parent = nullptr;
  scope* ends = nullptr;                     // the scope that ends this context; null: never ends
  const value_node* values = nullptr;        // the nearest value at or above this node
  virtual void leave_tree() noexcept {}      // called once, with no reference left
  virtual void print(std::string&) const {}  // appends what this layer is

 private:
  static void destroy(const node* n) noexcept;
};

struct value_node : node {
  value_node(node& above, const void* key) noexcept;
  virtual const void* get() const noexcept = 0;
  virtual const std::type_info& key() const noexcept = 0;
  void print(std::string& to) const override;  // the key, never the value: logs are read by many

  // The value with this key, here or above.
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

  // A look-up waits for memory once per step. So a node knows the keys of the next few as well.
  static constexpr std::size_t width = 4;
  std::array<const void*, width> tags;  // of this one and those above it, as far as there are
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

// A context that keeps the values above it and drops the end and the deadline.
struct shield final : node {
  explicit shield(node& above) noexcept : node(above) { ends = nullptr; }
  void print(std::string& to) const override;
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
  scope(node& above, const location& made) noexcept;
  ~scope() override;
  void leave_tree() noexcept override;
  void print(std::string& to) const override;
  virtual void disarm() noexcept {}     // at the end, a service has no business with it any more
  virtual void give_back() noexcept {}  // see keep()

  // What an end that goes through many touches comes first, in as few cache lines as possible.
  mutable state_word word;
  bool linked = false;
  std::atomic<bool> detached{false};  // unlinked for good, and nobody else will touch it
  bool kept = false;                  // see keep(); guarded by word until the end
  bool calls = false;   // there is something to call in the third step; set at the end
  scope* up = nullptr;  // where it is registered; null: nowhere
  scope* next = nullptr;
  scope* prev = nullptr;
  scope* kids = nullptr;                           // guarded by word
  hook* hooks = nullptr;                           // guarded by word
  std::stop_source stop_source{std::nostopstate};  // guarded by word, made on demand
  const cause* why = nullptr;  // its own or an ancestor's; written before the end is published

  scope* next_awaited = nullptr;          // for the one thread that ends `up`
  std::atomic<hook*> running{nullptr};    // the hook that runs just now
  std::atomic<std::thread::id> runner{};  // and on which thread

  cause own;  // where it was made, and what its deadline would say, until it ends by itself

  clock::time_point due = clock::time_point::max();  // the earliest deadline here or above
  scope* due_owner = nullptr;                        // the scope that this deadline ends
};

struct timed_scope final : scope, timer {
  timed_scope(node& above, clock::time_point when, cause&& on_expiry) noexcept;
  void leave_tree() noexcept override;
  void print(std::string& to) const override;
  void disarm() noexcept override;
  bool acquire() noexcept override;
  void expire() noexcept override;
};

// Registers a new scope with the scope above; ended at once if that one has ended.
void attach(scope& s) noexcept;

// Ends `s` and everything below it. The caller holds a reference. False: it had ended already; then
// it returns when the end of the whole subtree is visible.
bool end(scope& s, std::uint32_t how, cause&& why) noexcept;
// The same, plainly: for whoever has asked must_end(). `from` may be unknown.
void cancel(scope& s, const location& from) noexcept;
inline bool must_end(scope& s) noexcept {
  if (s.word.how_ended() == 0) {
    return true;
  }
  s.word.wait_settled();
  return false;
}
// The same, by its own deadline.
bool expire(scope& s) noexcept;
// The same, because of and with the cause of another scope, which has ended.
bool end_as(scope& s, const scope& other) noexcept;

// For scopes that are registered somewhere outside of the tree as well. True: give_back() will be
// called once, after the end, with no lock held, by the thread that ends it. False: it has ended
// already, and it is up to the caller.
[[nodiscard]] bool keep(scope& s) noexcept;

// Ends whatever a passed deadline should have ended by now, without waiting for the timer thread.
bool end_if_due(scope& s) noexcept;

// Registers a hook; runs it at once, here, if the scope has ended.
void add(scope& s, hook& h) noexcept;
// True: it was registered and will never run.
bool remove(scope& s, hook& h) noexcept;
// Returns when the hook does not run (any more); at once, and true, when called from inside it.
bool wait_not_running(scope& s, hook& h) noexcept;
// Before the hook is destroyed, which may happen inside it.
void withdraw(scope& s, hook& h) noexcept;

std::stop_token token_of(scope& s);

}  // namespace hangup::tree
