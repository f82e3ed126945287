#include "tests/unit/scarce.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>

namespace {

thread_local constinit bool none_here = false;
thread_local constinit bool exempt = false;
constinit std::atomic<bool> none_elsewhere{false};
constinit std::atomic<bool> no_thread{false};

}  // namespace

// Not inlined: GCC would see malloc() meet operator delete, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  const bool none = none_here || (!exempt && none_elsewhere.load(std::memory_order_relaxed));
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
  return no_thread.load() ? EAGAIN : real(thread, attributes, run, with);
}
#endif

namespace hangup::test {

without_memory::without_memory(whose w) noexcept : whose_(w) {
  if (w == mine) {
    none_here = true;
  } else {
    exempt = true;
    none_elsewhere = true;
  }
}

without_memory::~without_memory() {
  if (whose_ == mine) {
    none_here = false;
  } else {
    none_elsewhere = false;
    exempt = false;
  }
}

without_threads::without_threads() noexcept {
  no_thread = true;
}

without_threads::~without_threads() {
  no_thread = false;
}

}  // namespace hangup::test
