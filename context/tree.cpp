#include "hangup/context/detail/tree.h"

#include <algorithm>
#include <ctime>
#include <new>

#include "context/immortal.h"
#include "hangup/context/detail/executor.h"
#include "hangup/context/error.h"

namespace hangup::tree {

node::node(node& above) noexcept : parent(&above), ends(above.ends), values(above.values) {}

value_node::value_node(node& above, const void* key) noexcept
    : node(above), tags{key}, next_value(above.values) {
  values = this;
  if (next_value != nullptr) {
    std::copy_n(next_value->tags.begin(), width - 1, tags.begin() + 1);
    skip = next_value;
    for (std::size_t i = 1; skip != nullptr && i < width; ++i) {
      skip = skip->next_value;
    }
  }
}

bool node::try_ref() const noexcept {
  auto seen = refs.load(std::memory_order_relaxed);
  while (seen != 0) {
    if (refs.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

// A loop upwards along the chain: releasing the last handle to a chain of 100,000 levels must not
// need a deep stack.
void node::destroy(const node* n) noexcept {
  for (;;) {
    node* const above = n->parent;
    const_cast<node*>(n)->leave_tree();
    delete n;
    if (above->parent == nullptr || !above->drop_ref()) {
      return;
    }
    n = above;
  }
}

scope::scope(node& above, const location& made) noexcept : node(above) {
  own.source = made;
  if (ends != nullptr) {
    up = ends;
    due = up->due;
    due_owner = up->due_owner;
  }
  ends = this;
}

scope::~scope() = default;

namespace {

// The lock of `s.up` must be held.
void unlink(scope& s) noexcept {
  if (s.prev != nullptr) {
    s.prev->next = s.next;
  } else {
    s.up->kids = s.next;
  }
  if (s.next != nullptr) {
    s.next->prev = s.prev;
  }
  s.linked = false;
}

void leave(scope& s) noexcept {
  if (s.up == nullptr || s.detached.load(std::memory_order_acquire)) {
    return;
  }
  s.up->word.lock();
  if (s.linked) {
    unlink(s);
  }
  s.up->word.unlock();
  s.detached.store(true, std::memory_order_release);
}

}  // namespace

void scope::leave_tree() noexcept {
  leave(*this);
}

void attach(scope& s) noexcept {
  if (s.up == nullptr) {
    return;
  }
  scope& up = *s.up;
  if (up.word.how_ended() == 0) {
    up.word.lock();
    if (up.word.how_ended() == 0) {
      s.next = up.kids;
      if (s.next != nullptr) {
        s.next->prev = &s;
      }
      up.kids = &s;
      s.linked = true;
      up.word.unlock();
      return;
    }
    up.word.unlock();
  }
  s.why = up.why;
  s.word.born_ended(up.word.how_ended());
  s.detached.store(true, std::memory_order_relaxed);
}

namespace {

// With the lock held, just before the end: records what steps (b) and (c) will have to do.
bool has_dependants(scope& s) noexcept {
  s.calls = s.hooks != nullptr || s.stop_source.stop_possible();
  return s.calls || s.kept || s.kids != nullptr;
}

// The scopes below the one that end() ends, as lists linked through the scopes themselves.
struct walk {
  scope* todo = nullptr;  // ended by this thread, their kids not yet; linked by `next`
  scope* awaited =
      nullptr;  // being ended by another thread, for which this one waits; linked by `next_awaited`
};

// With the lock of `up` held: ends a kid that has just been unlinked.
void end_kid(const scope& up, scope& kid, std::uint32_t how, walk& w) noexcept {
  kid.word.lock();
  if (kid.word.how_ended() != 0) {
    // Another thread is ending the kid. It holds a reference at least until it has taken the lock
    // of `up`. The end of `up` is complete only after the end of this kid.
    kid.ref();
    kid.word.unlock();
    kid.next_awaited = w.awaited;
    w.awaited = &kid;
    return;
  }
  kid.why = up.why;
  const bool dependants = has_dependants(kid);
  if (dependants) {
    kid.ref();  // safe: the kid still has a dependant, which holds a reference (invariant 1)
    kid.next = w.todo;
    w.todo = &kid;
  }
  const bool sleepers = kid.word.end_and_unlock(how, dependants);
  kid.disarm();
  if (sleepers) {
    kid.word.wake_end_waiters();
  }
  if (!dependants) {
    // The last access: the kid may be destroyed from here on.
    kid.detached.store(true, std::memory_order_release);
  }
}

// With the lock held: takes the first hook out of the list.
hook& pop_hook(scope& s) noexcept {
  hook& h = *s.hooks;
  s.hooks = h.next;
  if (h.next != nullptr) {
    h.next->prev = nullptr;
  }
  h.linked = false;
  return h;
}

// Who holds the lock for long makes others sleep.
constexpr int wakes_at_once = 64;

void run_hooks(scope& s, posts& woken) noexcept {
  for (;;) {
    s.word.lock();
    for (int n = 0; s.hooks != nullptr && s.hooks->wakes_on != nullptr && n < wakes_at_once; ++n) {
      pop_hook(s).wake_with(woken);
    }
    if (s.hooks == nullptr) {
      s.word.unlock();
      return;
    }
    if (s.hooks->wakes_on != nullptr) {
      s.word.unlock();
      continue;
    }
    hook* const h = &pop_hook(s);
    s.runner.store(std::this_thread::get_id(), std::memory_order_relaxed);
    s.running.store(h, std::memory_order_release);
    s.word.unlock();

    woken.flush();  // what is called now may take long
    bool destroyed = false;
    h->destroyed = &destroyed;
    h->fire();
    if (!destroyed) {
      h->destroyed = nullptr;
    }
    s.running.store(nullptr, std::memory_order_release);
    s.running.notify_all();
  }
}

// Step (c) of the end, for one scope.
void make_calls(scope& s, posts& woken) noexcept {
  s.word.lock();
  std::stop_source source = s.stop_source;
  s.word.unlock();
  if (source.stop_possible()) {
    woken.flush();
    source.request_stop();
  }
  run_hooks(s, woken);
}

// A woken task should not wait for the calls of a large tree.
constexpr int calls_at_once = 256;

// For the first of a list of scopes; releases them and takes them out of the list.
void make_calls_of_some(scope*& list) noexcept {
  scope* const first = list;
  posts woken;
  int n = 0;
  for (; list != nullptr && n < calls_at_once; list = list->next, ++n) {
    if (list->calls) {
      make_calls(*list, woken);
    }
  }
  // First, as a release may destroy values, and nobody knows what their destructors wait for.
  woken.flush();
  for (scope* s = first; n > 0; --n) {
    scope& over = *s;
    s = over.next;
    over.unref();
  }
}

// Ends the kids of `s`, which has already ended.
void end_kids(scope& s, std::uint32_t how, walk& w) noexcept {
  s.word.lock();
  while (s.kids != nullptr) {
    scope& kid = *s.kids;
    unlink(kid);
    end_kid(s, kid, how, w);
  }
  s.word.unlock();
}

// Ends everything below `top`, which this thread has ended, and takes `top` out of the tree.
void end_below(scope& top, std::uint32_t how) noexcept {
  top.ref();  // a hook may release all other references
  walk w;
  end_kids(top, how, w);
  scope* done = nullptr;
  while (w.todo != nullptr) {
    scope& s = *w.todo;
    w.todo = s.next;
    end_kids(s, how, w);
    s.next = done;
    done = &s;
  }
  while (w.awaited != nullptr) {
    scope& s = *w.awaited;
    w.awaited = s.next_awaited;
    s.word.wait_settled();
    s.unref();
  }
  leave(top);
  top.next = done;
  done = &top;
  for (scope* s = done; s != nullptr; s = s->next) {
    s->word.settle();
  }
  for (scope* s = done; s != nullptr; s = s->next) {
    if (s->kept) {
      s->give_back();
    }
  }
  while (done != nullptr) {
    make_calls_of_some(done);
  }
}

}  // namespace

namespace {

// Reading the clock would be half of the cost of ending a small context.
clock::time_point last_tick() noexcept {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);  // CLOCK_MONOTONIC, but as of the last tick
  return clock::time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

// With the lock of `s` held. `s` is alive and its cause is in `own`.
void publish(scope& s, std::uint32_t how, bool plain = false) noexcept {
  const bool dependants = has_dependants(s);
  if (s.own.at == clock::time_point{}) {
    const bool unseen =
        plain && !dependants && s.refs.load(std::memory_order_relaxed) <= 2 && !s.word.awaited();
    s.own.at = unseen ? last_tick() : clock::now();
  }
  s.why = &s.own;
  const bool sleepers = s.word.end_and_unlock(how, dependants);
  if (sleepers) {
    s.word.wake_end_waiters();
  }
  s.disarm();
  if (dependants) {
    end_below(s, how);
  } else {
    leave(s);
  }
}

// Returns true if the scope is alive; its lock is then held.
bool lock_if_alive(scope& s) noexcept {
  if (must_end(s)) {
    s.word.lock();
    if (s.word.how_ended() == 0) {
      return true;
    }
    s.word.unlock();
    s.word.wait_settled();
  }
  return false;
}

}  // namespace

bool end(scope& s, std::uint32_t how, cause&& why) noexcept {
  if (!lock_if_alive(s)) {
    return false;
  }
  if (why.source.line == 0) {
    why.source = s.own.source;
  }
  s.own = std::move(why);
  publish(s, how);
  return true;
}

void cancel(scope& s, const location& from) noexcept {
  if (!lock_if_alive(s)) {
    return;
  }
  if (s.watched) {  // remove what its deadline would have reported
    s.own.code.clear();
    s.own.text.clear();
  }
  if (from.line != 0) {
    s.own.source = from;
  }
  publish(s, state_word::canceled, true);
}

bool expire(scope& s) noexcept {
  if (!lock_if_alive(s)) {
    return false;
  }
  s.own.kind = cause_kind::deadline;
  publish(s, state_word::expired);
  return true;
}

bool end_as(scope& s, const scope& other) noexcept {
  const cause& why = *other.why;
  try {
    return end(s, other.word.how_ended(), cause(why));
    // The text cannot be copied, but the context must end all the same.
  } catch (const std::bad_alloc&) {
    return end(
        s, other.word.how_ended(),
        {.kind = why.kind, .code = why.code, .text = {}, .at = why.at, .source = why.source});
  }
}

bool end_if_due(scope& s) noexcept {
  if (s.due_owner == nullptr || clock::now() < s.due) {
    return false;
  }
  expire(*s.due_owner);
  // The deadline belongs to a second parent, whose hook has not run yet.
  if (s.word.how_ended() == 0) {
    end_as(s, *s.due_owner);
  }
  return true;
}

bool keep(scope& s) noexcept {
  s.word.lock();
  const bool alive = s.word.how_ended() == 0;
  s.kept = alive;
  s.word.unlock();
  return alive;
}

namespace {

// With the lock held, as for the next.
void link(scope& s, hook& h) noexcept {
  h.prev = nullptr;
  h.next = s.hooks;
  if (h.next != nullptr) {
    h.next->prev = &h;
  }
  s.hooks = &h;
  h.linked = true;
}

// Both neighbours of `h` get another one instead.
void set_neighbours(scope& s, const hook& h, hook* before, hook* behind) noexcept {
  (h.prev != nullptr ? h.prev->next : s.hooks) = behind;
  if (h.next != nullptr) {
    h.next->prev = before;
  }
}

// As many executors as are expected to have tasks that wait for one context.
constexpr int looked_at = 8;

}  // namespace

void add(scope& s, hook& h) noexcept {
  s.word.lock();
  if (s.word.how_ended() == 0) {
    link(s, h);
    s.word.unlock();
    return;
  }
  s.word.unlock();
  h.fire();
}

hook* add_unless_there_is(scope& s, hook& h) noexcept {
  s.word.lock();
  if (s.word.how_ended() != 0) {
    s.word.unlock();
    h.fire();
    return nullptr;
  }
  hook* same = s.hooks;
  for (int n = 1; same != nullptr && same->wakes_on != h.wakes_on; ++n) {
    same = n < looked_at ? same->next : nullptr;
  }
  if (same == nullptr) {
    link(s, h);
  }
  s.word.unlock();
  return same;
}

bool remove(scope& s, hook& h) noexcept {
  return hand_over(s, h, nullptr);
}

bool hand_over(scope& s, hook& h, hook* other) noexcept {
  s.word.lock();
  const bool was = h.linked;
  if (was) {
    if (other != nullptr) {
      other->prev = h.prev;
      other->next = h.next;
      other->linked = true;
      set_neighbours(s, h, other, other);
    } else {
      set_neighbours(s, h, h.prev, h.next);
    }
    h.linked = false;
  }
  s.word.unlock();
  return was;
}

bool wait_not_running(scope& s, hook& h) noexcept {
  while (s.running.load(std::memory_order_acquire) == &h) {
    if (s.runner.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
      return true;
    }
    s.running.wait(&h, std::memory_order_acquire);
  }
  return false;
}

void withdraw(scope& s, hook& h) noexcept {
  // Called from inside the hook, unless another hook runs that was made at the same address.
  if (!remove(s, h) && wait_not_running(s, h) && h.destroyed != nullptr) {
    *h.destroyed = true;
  }
}

namespace {

std::stop_token stopped_token() {
  static const immortal<std::stop_source> source;
  source.object.request_stop();
  return source.object.get_token();
}

}  // namespace

// Only the thread that ends the scope requests stop: its cancel() returns when the callbacks have
// returned, which it could not know of another thread. So the token of a scope that has ended, for
// which stop may not have been requested yet, is another one.
std::stop_token token_of(scope& s) {
  std::stop_source fresh(std::nostopstate);
  while (s.word.how_ended() == 0) {
    s.word.lock();
    std::stop_source source(std::nostopstate);
    if (s.word.how_ended() == 0) {
      if (!s.stop_source.stop_possible()) {
        s.stop_source = fresh;
      }
      source = s.stop_source;
    }
    s.word.unlock();
    if (source.stop_possible()) {
      return source.get_token();
    }
    fresh = std::stop_source();
  }
  return stopped_token();
}

timed_scope::timed_scope(node& above, clock::time_point when, cause&& on_expiry) noexcept
    : scope(above, on_expiry.source) {
  watched = true;
  own = std::move(on_expiry);
  due = when;
  due_owner = this;
}

void timed_scope::leave_tree() noexcept {
  // Otherwise the thread that ended it has disarmed it, or is doing so in leave().
  if (word.how_ended() == 0) {
    disarm_timer();
  }
  scope::leave_tree();
}

void timed_scope::disarm() noexcept {
  disarm_timer();
}

bool timed_scope::acquire() noexcept {
  return try_ref();
}

void timed_scope::expire() noexcept {
  tree::expire(*this);
  unref();
}

}  // namespace hangup::tree
