// The stream of cpp-httplib that its engine reads a request from and writes the answer to, over a
// connection of ours. Not for users.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "hangup/http/context_of.h"
#include "hangup/http/detail/both_ends.h"
#include "hangup/http/httplib.h"

namespace hangup::http::detail {

// Notes in `answer` that the answer begins, if `bytes` are its status line. That of an interim
// answer (1xx) is none.
inline void note_beginning(answer_progress& answer, std::string_view bytes) noexcept {
  constexpr std::string_view version = "HTTP/1.";
  constexpr std::size_t status_at = 9;  // "HTTP/1.1 "
  if (!answer.begun && bytes.starts_with(version) && bytes.size() > status_at) {
    answer.begun = bytes[status_at] != '1';
  }
}

template <class Request>
concept has_closed_question = requires(Request& req) {
  req.is_connection_closed();
};
// Whether requests of this version can be asked whether their connection is closed.
template <class Request>
inline constexpr bool asks_whether_closed = has_closed_question<Request>;

// `Client` has these members, which are called by the thread that serves the request (and `write`
// by a second one, one at a time, for a WebSocket):
//
//   long read(char* to, std::size_t size);        // 0: the client sends no more; -1: not in time
//   long write(const char* from, std::size_t n);  // all of it, else -1
//   bool is_readable() const;                     // at once
//   bool wait_readable() const;                   // within the time-out for reads
//   bool wait_writable() const;                   // within that for writes; false: it has left
//   bool is_alive() const;                        // has the client not left?
//   int closed_descriptor() const;                // readable once it has left; -1: there is none
//   int descriptor() const;                       // of the connection
//   void set_read_timeout(long sec, long usec);
//   std::string_view buffered() const;            // what read() would give without the kernel
//   void consume(std::size_t size);               // the first bytes of that
//
// The members of this class are those of all versions of httplib::Stream, without `override`: one
// that this version does not have is an ordinary member which nobody calls.
template <class Client, class Stream = httplib::Stream>
class client_stream final : public Stream {
 public:
  client_stream(Client& of, const both_ends& ends) : of_(of), ends_(ends) {}

  bool is_readable() const { return of_.is_readable(); }
  bool is_writable() const { return of_.wait_writable(); }  // up to 0.19
  bool wait_readable() const { return of_.wait_readable(); }
  bool wait_writable() const { return of_.wait_writable(); }
  bool is_peer_alive() const { return of_.is_alive(); }

  ssize_t read(char* to, std::size_t size) { return of_.read(to, size); }
  using Stream::write;
  ssize_t write(const char* from, std::size_t size) { return of_.write(from, size); }

  void get_remote_ip_and_port(std::string& ip, int& port) const {
    show(ends_.remote_address, ends_.remote_port, ip, port);
  }
  void get_local_ip_and_port(std::string& ip, int& port) const {
    show(ends_.local_address, ends_.local_port, ip, port);
  }

  // Versions in which a request can be asked whether its connection is closed look for that at this
  // descriptor: once it is readable and is no socket, the answer is yes. The engine does nothing
  // else with it. Older versions only compare it with FD_SETSIZE.
  socket_t socket() const {
    if constexpr (asks_whether_closed<httplib::Request>) {
      if (const int closed = of_.closed_descriptor(); closed >= 0) {
        return closed;
      }
    }
    return of_.descriptor();
  }

  time_t duration() const { return 0; }  // only of clients
  void set_read_timeout(time_t sec, time_t usec = 0) {
    of_.set_read_timeout(static_cast<long>(sec), static_cast<long>(usec));
  }

  const char* buffered_data(std::size_t& size) const {
    const auto bytes = of_.buffered();
    size = bytes.size();
    return size == 0 ? nullptr : bytes.data();
  }
  void consume_buffered(std::size_t size) { of_.consume(size); }

 private:
  static void show(const std::string& address, int its_port, std::string& ip, int& port) {
    if (!address.empty()) {
      ip = address;
    }
    if (its_port >= 0) {
      port = its_port;
    }
  }

  Client& of_;
  const both_ends& ends_;
};

}  // namespace hangup::http::detail
