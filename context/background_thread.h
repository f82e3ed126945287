// Threads of this library's own, for services that live as long as the process.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <new>
#include <system_error>
#include <thread>
#include <utility>

#pragma GCC visibility push(default)

namespace hangup::tree {

// The signals to block in a service thread: all of them, since signals are meant for the program's
// own threads.
inline sigset_t all_signals() noexcept {
  sigset_t all;
  ::sigfillset(&all);
  return all;
}

// Whether this thread belongs to a service of this library.
inline thread_local bool only_serves = false;

// Starts a thread. Returns the error if that is not possible; lack of memory is reported as one as
// well.
template <class F>
[[nodiscard]] std::error_code make_thread(std::thread& to, F f) noexcept {
  try {
    to = std::thread(std::move(f));
    return {};
  } catch (const std::system_error& e) {
    return e.code();
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
}

// Starts a detached thread with these signals blocked. The kernel keeps only the first 15
// characters of the name. Returns the error if no thread can be started.
template <class F>
[[nodiscard]] std::error_code start_background_thread(const char* name, const sigset_t& blocked,
                                                      F f) noexcept {
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, &blocked, &before);
  std::thread t;
  const auto failed = make_thread(t, std::move(f));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!failed) {
    ::pthread_setname_np(t.native_handle(), name);
    t.detach();
  }
  return failed;
}

}  // namespace hangup::tree

#pragma GCC visibility pop
