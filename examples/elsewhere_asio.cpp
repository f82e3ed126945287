// Asio, by itself or as Boost.Asio, which Beast is made of: the end of a context cancels a pending
// operation, and an operation that finds its peer gone ends a context.
#if __has_include(<asio.hpp>)
#include <asio.hpp>
#include <system_error>
#else
#include <boost/asio.hpp>
namespace asio = boost::asio;
#endif

#include <array>
#include <chrono>
#include <functional>
#include <iostream>
#include <thread>

#include "hangup/context/after_func.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;
using socket_type = asio::local::stream_protocol::socket;

// Reads from the peer until one of the two ends.
class session {
 public:
  session(const hangup::cancelable& of, socket_type& peer)
      : of_(of), peer_(peer), on_end_(of.ctx, [this] {
          // Heard, on the thread that has ended it: an object of Asio belongs to its own thread.
          asio::post(peer_.get_executor(), [&peer = peer_] { peer.cancel(); });
        }) {}
  void read() {
    peer_.async_read_some(asio::buffer(bytes_), [this](const auto& ec, std::size_t size) {
      if (of_.ctx.done()) {
        std::cout << "the session: " << describe(*of_.ctx.cause()) << std::endl;
      } else if (ec) {
        of_.cancel({.text = "the peer: " + ec.message()});  // caused
      } else {
        std::cout << "the session: read " << size << " bytes" << std::endl;
        read();
      }
    });
  }

 private:
  const hangup::cancelable& of_;
  socket_type& peer_;
  std::array<char, 64> bytes_{};
  hangup::after_func<std::function<void()>> on_end_;  // last: nothing is posted after its end
};

int main() {
  asio::io_context io;
  socket_type peer(io);
  socket_type other(io);
  asio::local::connect_pair(peer, other);
  {
    const auto work = with_timeout(hangup::background(), 200ms);
    session one(work, peer);
    one.read();
    io.run();
  }

  const auto work = with_cancel(hangup::background());
  std::jthread worker([ctx = work.ctx] {  // works for the peer, and knows nothing of its socket
    if (hangup::sleep_for(ctx, 10s)) {
      std::cout << "the worker: " << describe(*ctx.cause()) << std::endl;
    }
  });
  session two(work, peer);
  two.read();
  asio::write(other, asio::buffer("hello", 5));
  other.close();
  io.restart();
  io.run();
}

// Watch:
//   0.2 s | the session: deadline exceeded
//         | the session: read 5 bytes
//         | the worker: canceled: the peer: End of file
//         | exit 0
