// A cpp-httplib server whose requests carry a context that ends when the client leaves.
//
//   using namespace std::chrono_literals;
//   hangup::pool queries({.name = "query", .workers = 64, .queue = 1024});
//   hangup::http::server server;
//   server.handle({.method = "GET",
//                  .path = "/report",
//                  .runs_on = &queries,
//                  .deadline = 30s,
//                  .answer = [](const hangup::context& ctx, const httplib::Request& req,
//                               httplib::Response& res) { make_report(ctx, req, res); }});
//   if (const auto ec = server.listen("127.0.0.1", 8080)) {
//     return ec;
//   }
//   const auto told = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
//   hangup::wait_done(told.ctx);
//   const auto patience = hangup::with_timeout(hangup::background(), 10s);
//   return server.drain(patience.ctx, 5s);
//
// Pools and observers must outlive the server. Its destructor ends every request with cause
// `shutdown` and waits for the handlers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "http/observer.h"
#include "http/options.h"
#include "http/route.h"
#include "http/tls.h"

namespace hangup::http {

class service;

class server {
 public:
  explicit server(options how = {});
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // Before listen(). Throws std::invalid_argument where route_table::add() says so.
  server& handle(route r);
  server& observe(observer& o);

  // TLS on every connection that comes from now on. Once before listen(), or there is none; after
  // that at any time and from any thread: a renewed certificate, while what is connected goes on.
  void use_tls(std::shared_ptr<const tls_identity> as);

  // Binds, listens and starts to serve; returns at once. `host` is a name, of which all addresses
  // are taken, or an address, IPv6 with or without brackets; "::" is all of IPv6 and IPv4. Port 0
  // takes a free one, the same for all addresses. A port that is taken is
  // std::errc::address_in_use. No descriptor, no thread or no memory is an error as well; nothing
  // is thrown. After an error it may be called again, and finds everything as it was, TLS too;
  // after a success it is std::errc::already_connected.
  std::error_code listen(const std::string& host, std::uint16_t port) noexcept;
  std::uint16_t port() const noexcept;  // 0: it does not listen
  // Where it listens: "127.0.0.1:8080", "[::1]:8080".
  std::vector<std::string> endpoints() const;

  // The first half of a stop that loses no client of a proxy: from now on draining() is true, for
  // the readiness probe that the proxy asks, and every answer closes its connection; new clients
  // are still served. Call drain() when the proxy must have noticed. Thread-safe.
  void announce_drain() noexcept;
  // Stops gracefully: no new clients, every answer closes its connection, and requests in flight
  // may finish until `ctx` ends; then their contexts end with cause `shutdown`, and who has been
  // sent nothing gets a 503. Returns empty when the last connection is closed, or errc::timed_out
  // after `stop_patience` if a handler does not stop: then do not destroy the server, leave the
  // process.
  std::error_code drain(const context& ctx, std::chrono::milliseconds stop_patience);
  // Is a drain announced or under way? For a readiness probe.
  bool draining() const noexcept;

  // For operators' pages. They take the lock that accepting takes, too, for some tens of
  // connections at a time. Thread-safe.
  //
  // Calls `look` with each request in flight until it returns false, those of the newest
  // connections first. The lock is not held meanwhile: it may take its time.
  void each_in_flight(const std::function<bool(const request_view&)>& look) const;
  std::vector<request_view> in_flight() const;          // all of them
  std::size_t in_flight_count() const noexcept;         // costs nothing
  std::array<std::size_t, phases> connections() const;  // by phase
  std::vector<const route*> routes() const;  // in the order of their index: "none", then yours

 private:
  const options how_;
  route_table routes_;
  std::vector<observer*> observers_;
  std::shared_ptr<const tls_identity> identity_;  // until listen() has succeeded
  std::unique_ptr<service> service_;
};

}  // namespace hangup::http
