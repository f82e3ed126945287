// A loop of somebody else's around poll(2), without a server of ours: the end of a context is one
// more descriptor that it polls, and it ends a context itself when it sees that its peer has left.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <iostream>
#include <thread>

#include "hangup/context/after_func.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;
using hangup::context;

// Readable from the moment in which the context has ended.
class end_as_descriptor {
 public:
  explicit end_as_descriptor(const context& ctx)
      : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), on_end_(ctx, tell{fd_}) {}
  ~end_as_descriptor() {
    on_end_.stop_and_wait();  // before the descriptor may be somebody else's
    ::close(fd_);
  }
  int fd() const noexcept { return fd_; }

 private:
  struct tell {
    int fd;
    void operator()() const noexcept { ::eventfd_write(fd, 1); }
  };
  int fd_;
  hangup::after_func<tell> on_end_;
};

// The loop. It reads from its peer until one of the two ends.
void loop_of_somebody(const hangup::cancelable& work, int peer) {
  const end_as_descriptor end(work.ctx);
  std::array<pollfd, 2> all{pollfd{peer, POLLIN | POLLRDHUP, 0}, pollfd{end.fd(), POLLIN, 0}};
  for (;;) {
    ::poll(all.data(), all.size(), -1);
    if (all[1].revents != 0) {  // heard
      std::cout << "the loop: " << describe(*work.ctx.cause()) << std::endl;
      return;
    }
    if ((all[0].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
      work.cancel({.text = "the peer has left"});  // caused
      return;
    }
    std::array<char, 64> bytes{};
    std::cout << "the loop: read " << ::read(peer, bytes.data(), bytes.size()) << " bytes"
              << std::endl;
  }
}

int main() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return 1;
  }
  const auto [peer, other] = ends;

  loop_of_somebody(with_timeout(hangup::background(), 200ms), peer);

  const auto work = with_cancel(hangup::background());
  std::jthread worker([ctx = work.ctx] {  // works for the peer, and knows nothing of its socket
    if (hangup::sleep_for(ctx, 10s)) {
      std::cout << "the worker: " << describe(*ctx.cause()) << std::endl;
    }
  });
  if (::write(other, "hello", 5) != 5) {
    return 1;
  }
  ::close(other);
  loop_of_somebody(work, peer);
  worker.join();
  ::close(peer);
}

// Watch:
//   0.2 s | the loop: deadline exceeded
//         | the worker: canceled: the peer has left
//         | exit 0
