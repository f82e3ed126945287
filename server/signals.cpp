#include "server/signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "hangup/context/wait.h"

namespace hangup::server {
namespace {

// This program starts no children, so all children that it has were inherited.
void reap() noexcept {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

}  // namespace

signals::signals() {
  sigemptyset(&set_);
  for (const int s : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD}) {
    sigaddset(&set_, s);
  }
  ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit of file sizes is the error of a write
  fd_ = ::signalfd(-1, &set_, SFD_CLOEXEC);
  if (fd_ < 0) {
    throw std::system_error(errno, std::generic_category(), "signalfd");
  }
  reap();  // children that ended before
}

signals::~signals() {
  ::close(fd_);
}

std::optional<int> signals::next(const context& ctx) const {
  for (;;) {
    if (wait_fd(ctx, fd_, POLLIN)) {
      return std::nullopt;
    }
    signalfd_siginfo info{};
    if (::read(fd_, &info, sizeof info) != sizeof info) {
      continue;
    }
    if (info.ssi_signo != SIGCHLD) {
      return static_cast<int>(info.ssi_signo);
    }
    reap();
  }
}

void die_of(int signal) noexcept {
  std::signal(signal, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  std::raise(signal);
  ::_exit(128 + signal);
}

}  // namespace hangup::server
