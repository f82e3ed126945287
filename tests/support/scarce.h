// What a program may run out of, taken away for a while. For test programs that are built with
// scarce.cpp, which replaces operator new and pthread_create in all of the program.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <functional>

#include "tests/support/sanitized.h"

namespace hangup::test {

// While it lives nothing can be allocated: by this thread, or by all others.
class without_memory {
 public:
  enum whose { mine, of_others };
  explicit without_memory(whose w = mine) noexcept;
  ~without_memory();
  without_memory(const without_memory&) = delete;
  without_memory& operator=(const without_memory&) = delete;

 private:
  const whose whose_;
};

// While it lives this thread can allocate so many times, and then no more.
class memory_for {
 public:
  explicit memory_for(std::size_t allocations) noexcept;
  ~memory_for();
  memory_for(const memory_for&) = delete;
  memory_for& operator=(const memory_for&) = delete;
};

// While it lives no thread can be made. Each attempt calls `instead`, which must not throw. Does
// nothing with a sanitizer, which needs its own pthread_create: tests skip themselves then.
class without_threads {
 public:
  explicit without_threads(std::function<void()> instead = {});
  ~without_threads();
  without_threads(const without_threads&) = delete;
  without_threads& operator=(const without_threads&) = delete;
};

// While it lives no descriptor can be opened.
class without_descriptors {
 public:
  without_descriptors() noexcept {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    const rlimit none{static_cast<rlim_t>(next), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~without_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  without_descriptors(const without_descriptors&) = delete;
  without_descriptors& operator=(const without_descriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace hangup::test
