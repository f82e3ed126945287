// A thread of this library's own, for services that live as long as the process.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace hangup::tree {

// The signals of a thread that only serves: they are for the program's own threads, whoever of them
// happens to start the service.
inline sigset_t all_signals() noexcept {
  sigset_t all;
  ::sigfillset(&all);
  return all;
}

// Is this thread one that only serves?
inline thread_local bool only_serves = false;

// Starts a detached thread with these signals blocked. The name is cut to the 15 characters that
// the kernel has. std::system_error if there can be no thread.
template <class F>
void start_background_thread(const char* name, const sigset_t& blocked, F f) {
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, &blocked, &before);
  struct restore {
    const sigset_t& mask;
    ~restore() { ::pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
  } const at_the_end{before};
  std::thread t(std::move(f));
  ::pthread_setname_np(t.native_handle(), name);
  t.detach();
}

}  // namespace hangup::tree
