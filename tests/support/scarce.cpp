#include "tests/support/scarce.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>

namespace {

thread_local constinit std::size_t left_here = SIZE_MAX;  // allocations
thread_local constinit bool exempt = false;
constinit std::atomic<bool> none_elsewhere{false};
constinit std::atomic<bool> no_thread{false};
std::function<void()> instead_of_a_thread;  // changed only while threads can be made

}  // namespace

// Not inlined: GCC would see malloc() meet operator delete, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  const bool none = left_here == 0 || (!exempt && none_elsewhere.load(std::memory_order_relaxed));
  if (left_here != 0 && left_here != SIZE_MAX) {
    --left_here;
  }
  if (void* const p = none ? nullptr : std::malloc(size)) {
    return p;
  }
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}

#if !defined(HANGUP_TSAN) && !defined(HANGUP_ASAN)
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*run)(void*), void* with) noexcept {
  using function = int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static auto* const real = reinterpret_cast<function*>(::dlsym(RTLD_NEXT, "pthread_create"));
  if (!no_thread.load()) {
    return real(thread, attributes, run, with);
  }
  if (instead_of_a_thread) {
    instead_of_a_thread();
  }
  return EAGAIN;
}
#endif

namespace hangup::test {

without_memory::without_memory(whose w) noexcept : whose_(w) {
  if (w == mine) {
    left_here = 0;
  } else {
    exempt = true;
    none_elsewhere = true;
  }
}

without_memory::~without_memory() {
  if (whose_ == mine) {
    left_here = SIZE_MAX;
  } else {
    none_elsewhere = false;
    exempt = false;
  }
}

memory_for::memory_for(std::size_t allocations) noexcept {
  left_here = allocations;
}

memory_for::~memory_for() {
  left_here = SIZE_MAX;
}

without_threads::without_threads(std::function<void()> instead) {
  instead_of_a_thread = std::move(instead);
  no_thread = true;
}

without_threads::~without_threads() {
  no_thread = false;
}

}  // namespace hangup::test
