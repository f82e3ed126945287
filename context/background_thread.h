// A thread of this library's own, for services that live as long as the process.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace hangup::tree {

// Starts a detached thread that takes no signals: they are for the program's own threads, whoever
// of them happens to start the service. The name is cut to the 15 characters that the kernel has.
template <class F>
void start_background_thread(const char* name, F f) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  struct restore {
    sigset_t& mask;
    ~restore() { ::pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
  } const at_the_end{before};
  std::thread t(std::move(f));
  ::pthread_setname_np(t.native_handle(), name);
  t.detach();
}

}  // namespace hangup::tree
