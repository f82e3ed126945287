// How a request of `hosted` (hosted.h) is given to cpp-httplib, and how its answer is taken. Not
// for users.
#pragma once

#include <sys/select.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <utility>

#include "hangup/http/context_of.h"
#include "hangup/http/detail/client_stream.h"
#include "hangup/http/detail/hosted_connections.h"
#include "hangup/http/detail/httplib_call.h"
#include "hangup/http/detail/httplib_hook.h"
#include "hangup/http/httplib.h"

namespace hangup::http::detail {

// The client of a client_stream.
class hosted_client {
 public:
  hosted_client(hosted_exchange& x, answer_progress& progress) : x_(x), progress_(progress) {}

  long read(char* to, std::size_t size) { return x_.read(to, size); }
  long write(const char* from, std::size_t size) {
    note_beginning(progress_, {from, size});
    // Who has closed its own direction may still be sent to, but has left.
    const bool left = has_left(x_.ctx());
    const long sent = x_.write({from, size});
    progress_.lost = progress_.lost || left || sent < 0;
    return sent;
  }
  bool is_readable() const { return true; }  // read() waits as long as it may
  bool wait_readable() const { return true; }
  bool wait_writable() const { return x_.is_writable(); }
  bool is_alive() const { return x_.is_alive(); }
  int closed_descriptor() const { return x_.closed_descriptor(); }
  // cpp-httplib does nothing with it but compare it with what select(2) takes.
  int descriptor() const { return std::min(x_.descriptor(), FD_SETSIZE - 1); }
  void set_read_timeout(long, long) {}  // only of WebSockets
  std::string_view buffered() const { return x_.buffered(); }
  void consume(std::size_t size) { x_.consume(size); }

 private:
  hosted_exchange& x_;
  answer_progress& progress_;
};

// What the handler gets: the target and the header lines as they were sent. cpp-httplib has only
// read those that it needs for itself. Up to 0.27 it has added the addresses, which no client may
// take the place of.
inline void give_head(httplib::Request& req, const hosted_exchange& x) {
  const auto same = [](std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char c, char d) {
      return std::tolower(static_cast<unsigned char>(c)) ==
             std::tolower(static_cast<unsigned char>(d));
    });
  };
  httplib::Headers all;
  std::array<std::string_view, 5> ours{};  // names that are not taken from the client
  std::size_t names = 0;
  for (const char* name : {"REMOTE_ADDR", "REMOTE_PORT", "LOCAL_ADDR", "LOCAL_PORT"}) {
    if (req.has_header(name)) {
      all.emplace(name, req.get_header_value(name));
      ours[names++] = name;
    }
  }
  if (!x.has_plain_range()) {
    ours[names++] = "Range";
  }
  const auto& from = x.checked();
  for (const field& line : from.headers()) {
    if (std::none_of(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(names),
                     [&](std::string_view other) { return same(line.name, other); })) {
      add(all, line.name, line.value);
    }
  }
  req.headers = std::move(all);
  req.target = from.target();
}

template <class Server>
inline constexpr bool serves_websockets = requires {
  typename Server::WebSocketHandler;
};

inline bool wants_websocket(const request& req) {
  auto to = req.header_list("Upgrade");
  std::transform(to.begin(), to.end(), to.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return req.method() == "GET" && to.find("websocket") != std::string::npos;
}

}  // namespace hangup::http::detail
