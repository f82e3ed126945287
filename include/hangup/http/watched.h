// A server of cpp-httplib whose handlers hear their client leave. It is the server that it was,
// with its routes, handlers, threads, task queue and settings; only the type changes:
//
//   hangup::http::watched<httplib::Server> server;  // was: httplib::Server server;
//   server.Get("/report", [](const httplib::Request& req, httplib::Response& res) {
//     const hangup::context& ctx = hangup::http::context_of(req);
//     for (int row = 0; row < 1000; ++row) {
//       if (std::error_code ec = hangup::sleep_for(ctx, 10ms)) {  // stands for the work
//         return;
//       }
//     }
//     res.set_content("1000 rows\n", "text/plain");
//   });
//   server.listen("127.0.0.1", 8080);
//
// What handlers get: context_of() (context_of.h), which ends when the client of this request
// leaves, whatever it has sent that nobody has read, and when the server stops. Nobody polls: the
// kernel tells. `req.is_connection_closed()` and `sink.is_writable()`, where this version of
// cpp-httplib has them, say the same of the client: they do not change when the server stops.
//
// A client that has left gets nothing more. Loggers are told of its request with status 499: those
// of set_logger(), and for who has only a reference to the base those of log_departures() (in
// detail/httplib_hook.h). Who left before its handler began is served with a context that has
// ended; `hosted` (hosted.h) does not serve it.
//
// When stop() is called, by whoever, contexts end with cause_kind::shutdown. An answer that a
// handler makes then is sent. One that returns without an answer sends an empty 200, as ever: set a
// status for it. Requests that wait for a thread then, or behind another one, are not served.
//
// Clients that vanish without a word are found by keep-alive probes of TCP, after 25 s, unless the
// program has set SO_KEEPALIVE itself.
//
// What else differs from the base: Pipelined requests are all answered. A request whose body the
// handler has not read is followed by another one only if the rest of the body has come, and is not
// waited for longer than 1 s. After a request that was refused because its head was malformed the
// connection is closed. A connection is closed after a FIN and up to 100 ms, as by the newest
// version. Exceptions that leave a content provider end the program, as ever.
//
// The base is httplib::Server, of version 0.11.4 or later, or a class derived from it; constructors
// are those of the base. httplib::SSLServer does not compile. What is not listed here is used
// through the base as before, WebSockets too. Header-only cpp-httplib before 0.20 needs
// CPPHTTPLIB_USE_POLL, here as elsewhere: otherwise it answers 500 to connections whose descriptor
// is 1024 or larger.
//
// Costs one thread for all connections, started with the first one; a descriptor for each
// connection that is being served (two where requests have is_connection_closed); and two system
// calls for each request.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "hangup/http/context_of.h"
#include "hangup/http/detail/httplib_hook.h"
#include "hangup/http/detail/watched_connections.h"
#include "hangup/http/detail/watched_request.h"
#include "hangup/http/half_close.h"
#include "hangup/http/httplib.h"

namespace hangup::http {

template <class Base = httplib::Server>
class watched : public detail::hooked<Base> {
 public:
  using detail::hooked<Base>::hooked;

  // Whether a client that closes only its own direction counts as one that leaves: half_close.h.
  // `cancel`, the default, or `ignore`. Before listening; returns *this.
  watched& set_half_close(half_close policy) {
    settings_.on_half_close = policy;
    return *this;
  }

  // While a handler runs, so many bytes at most are taken from the kernel of what its client sends
  // behind the request, so that its end is heard there. 1 MiB is the default. They are kept for the
  // next request. Before listening; returns *this.
  watched& set_read_ahead(std::size_t bytes) {
    settings_.read_ahead = bytes;
    return *this;
  }

 private:
  bool process_and_close_socket(socket_t sock) override {
    std::optional<detail::watched_connection> client;
    try {
      auto how = settings_;
      how.read_timeout = detail::time_of(this->read_timeout_sec_, this->read_timeout_usec_);
      how.write_timeout = detail::time_of(this->write_timeout_sec_, this->write_timeout_usec_);
      how.needs_closed_descriptor = detail::asks_whether_closed<httplib::Request>;
      const int listening = this->svr_sock_;
      client.emplace(connections_, listening, sock, how);
      return serve(*client);
    } catch (const std::system_error&) {
      return false;  // no descriptors or threads left: the connection is dropped
    } catch (const std::bad_alloc&) {
      return false;  // nor memory
    }
  }

  // As cpp-httplib's own, but for what the opening comment says.
  bool serve(detail::watched_connection& client) {
    const auto progress = std::make_shared<detail::answer_progress>();
    progress->client = client.client();
    progress->keeps = client.closed_owner();
    detail::watched_request request(client, *progress);
    detail::client_stream<detail::watched_request> strm(request, client.ends());
    const auto idle = std::chrono::seconds(this->keep_alive_timeout_sec_);
    bool answered = false;
    for (auto left = this->keep_alive_max_count_;
         left > 0 && this->svr_sock_ != INVALID_SOCKET && client.await_request(idle); --left) {
      progress->begun = false;
      progress->lost = false;
      const auto result = this->process(strm, {.ends = client.ends(),
                                               .is_last = left == 1,
                                               .ctx = client.begin_request(),
                                               .answer = progress,
                                               .begins = [&client](httplib::Request& req) {
                                                 client.has_body(detail::framing_of(req));
                                               }});
      answered = result.answered;
      const bool goes_on = client.end_request();
      if (!answered || result.must_close || !goes_on || progress->lost) {
        break;
      }
    }
    return answered;
  }

  detail::watched_settings settings_;
  detail::watched_connections connections_;  // last: its thread ends first
};

}  // namespace hangup::http
