// A client of raw bytes: what it sends, when it leaves and how is in the test's hands, to the byte.
// It reads answers strictly: what is not HTTP as RFC 9112 has it is not an answer.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/patience.h"

namespace hangup::test {

using namespace std::chrono_literals;

// A request for the path, with these lines of headers (each with its CRLF) behind Host.
std::string get(std::string_view path, std::string_view headers = {});
std::string post(std::string_view path, std::string_view body, std::string_view headers = {});
// A POST of `length` bytes of which only so many have been sent.
std::string part_of_body(std::string_view path, std::size_t length, std::size_t sent);

struct answer {
  int status = 0;                                              // 0: nothing came that is an answer
  std::vector<std::pair<std::string, std::string>> headers{};  // names in lower case
  std::string body{};
  bool whole = false;  // its end was seen

  // The value of the header, empty if absent; "twice" if there are two of them.
  std::string header(std::string_view name) const;
};

enum class ending { none, fin, reset };

class client {
 public:
  // `receive_buffer`: SO_RCVBUF, for a client that reads slowly.
  // `from`: the source address, for one that is not 127.0.0.1.
  explicit client(std::uint16_t port, int receive_buffer = 0, const char* from = nullptr);
  // To ::1.
  struct over_v6 {};
  client(std::uint16_t port, over_v6);
  // To a Unix socket; @name is an abstract one.
  struct over_unix {
    std::string path;
  };
  explicit client(const over_unix& to);
  client(client&& other) noexcept;
  client& operator=(client&&) = delete;
  virtual ~client() { close(); }

  bool connected() const noexcept { return connected_; }
  std::uint16_t local_port() const noexcept;

  // Sends all of it. False: the server has closed, or does not read for too long.
  bool send(std::string_view bytes);
  // Sends what the kernel takes at once, and says how much that was.
  std::size_t send_some(std::string_view bytes);

  // The last of these bytes is urgent (TCP's URG): it is sent "out of band".
  bool send_urgent(std::string_view bytes);

  void shutdown_write() { ::shutdown(fd_, SHUT_WR); }
  // Leaves with a FIN; with a RST if there is something unread, as every client does.
  void close();
  void reset();

  // Reads one answer, also an interim one (100). `to_head`: it has no body.
  answer receive(bool to_head = false);
  answer ask(std::string_view request);

  // Sends until the kernel takes no more for as long as this: both buffers are full, and the server
  // does not read. Says how much that was.
  std::size_t flood(std::string_view bytes, std::chrono::milliseconds quiet = 200ms);
  // Waits until there is something to read, or the time is over.
  bool readable(std::chrono::milliseconds time) { return wait_for(POLLIN, now() + time); }
  // Waits until the kernel takes more, or the time is over.
  bool writable(std::chrono::milliseconds time) { return wait_for(POLLOUT, now() + time); }
  // Reads what comes within this time. Returns false if that is nothing of an answer: what arrives
  // may be for TLS alone.
  bool receive_some(std::chrono::milliseconds time) { return more(now() + time); }
  // Reads at least so many bytes, as they come.
  bool receive_bytes(std::size_t count);
  // What comes, up to and with this text; empty if the connection ends before.
  std::string receive_until(std::string_view text);
  // All that comes until the server has closed.
  std::string receive_rest();
  // Waits until the server has closed; true if it sends nothing before that.
  bool sees_the_end() { return receive_rest().empty() && how_ != ending::none; }
  ending how_it_ended() const noexcept { return how_; }

 protected:
  using clock = std::chrono::steady_clock;
  static clock::time_point now() { return clock::now(); }
  int fd() const noexcept { return fd_; }

  // As send(2) and recv(2), without waiting.
  virtual ssize_t put(std::string_view bytes);
  virtual ssize_t take(char* to, std::size_t size) { return ::recv(fd_, to, size, MSG_DONTWAIT); }

  bool wait_for(short events, clock::time_point limit);

 private:
  bool more(clock::time_point limit);
  bool cut(std::size_t size, std::string& to, clock::time_point limit);
  bool read_chunks(std::string& body, clock::time_point limit);
  static bool parse_head(std::string_view head, answer& a);

  int fd_;
  bool connected_ = false;
  ending how_ = ending::none;
  std::string in_;
};

}  // namespace hangup::test
