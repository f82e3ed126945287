// An HTTP server in which every request has a context that ends when the client leaves. Handlers
// are native or those of cpp-httplib: see handler.h.
//
//   #include "hangup/context/signal.h"
//   #include "hangup/context/wait.h"
//   #include "hangup/http/server.h"
//
//   using namespace std::chrono_literals;
//   hangup::pool queries({.name = "query", .workers = 64, .queue = 1024});
//   hangup::http::server server;
//   server.handle({.method = "GET",
//                  .path = "/report",
//                  .runs_on = &queries,
//                  .deadline = 30s,
//                  .answer = [](const hangup::context& ctx, const hangup::http::request& req,
//                               hangup::http::reply& res) { make_report(ctx, req, res); }});
//   if (const auto ec = server.start("127.0.0.1", 8080)) {
//     return ec;
//   }
//   const auto told = hangup::with_signal(hangup::background(), {SIGINT, SIGTERM});
//   hangup::wait_done(told.ctx).get();
//   const auto patience = hangup::with_timeout(hangup::background(), 10s);
//   return server.drain(patience.ctx, 5s);
//
// Pools, loops and observers must outlive the server. The destructor ends every request with cause
// `shutdown` and waits until all handlers have returned.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "hangup/http/follower.h"
#include "hangup/http/listen_address.h"
#include "hangup/http/observer.h"
#include "hangup/http/options.h"
#include "hangup/http/route.h"
#include "hangup/http/start_error.h"
#include "hangup/http/tls.h"

#pragma GCC visibility push(default)

namespace hangup::http {

class session_runner;
struct listener;

class server {
 public:
  // Throws std::invalid_argument for options::default_headers that cannot be sent.
  explicit server(options how = {});
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // The next five functions are called before start(), by one thread at a time. After start() they
  // throw std::logic_error, as they do where they may be called once only, or in another order.
  //
  // Adds a route. Throws std::invalid_argument as route_table::add() does, if the route has no
  // handler (`answer`), and if the handler is a task and there is no loop, or the other way round.
  server& handle(route r);
  // Asks this about every request whose head is complete and not malformed, also if there is no
  // route for it: for authentication, and for the preflight of CORS. What it answers is sent before
  // anything is read of the body, also before "100 Continue". The order: this guard; then 404, 405
  // and OPTIONS of what has no route; that of guard_operators(); route::admits; then the places of
  // the route. The request that it sees has its path_parameter() if it has a route. At most once.
  server& guard_all(guard with);
  // Asks this about each request of a route that is for operators only (route::serves), before the
  // guard that the route may have itself. Must be called before handle() of those routes,
  // at most once.
  server& guard_operators(guard with);
  // Tells `o` of each request that ends. Each call adds one. `o` must live longer than the server.
  server& observe(observer& o);

  // Lets `f` look at requests in flight. At most once; `f` must live longer than the server.
  server& follow(follower& f);

  // Uses TLS, with this certificate, on all TCP connections accepted from now on; those to Unix
  // sockets are always plain. The first call must come before start(): one that comes after it
  // throws std::logic_error, as clients have been told by then that the server is plain. Later
  // calls replace the certificate, at any time and from any thread; existing connections keep
  // theirs. Throws std::invalid_argument for null: TLS is not taken back.
  void use_tls(std::shared_ptr<const tls_identity> as);

  // Binds, listens, starts to serve and returns. `host` is an address or a name, which stands for
  // all of its addresses. IPv6 addresses may be in brackets; "::" means all addresses of IPv6 and
  // IPv4. Port 0 chooses a free port, the same for all addresses.
  //
  // Never throws. A port in use is std::errc::address_in_use; lack of a descriptor, a thread or
  // memory is an error too. A name that is unknown is an error of a category of its own, whose
  // message is that of getaddrinfo(3); for "127.0.0.1:8080" see parse_listen_address(). After an
  // error nothing has changed, and it may be called again; after a success a second call returns
  // std::errc::already_connected.
  start_error start(const std::string& host, std::uint16_t port) noexcept;
  // The same for several addresses, also of Unix sockets: all of them or none. Port 0 chooses one
  // for each. On error `failed`, if it is not null, is the index of the address that is to blame.
  //
  // The file of a Unix socket is made with listen_address::mode, and removed when new clients are
  // refused. A file of a socket on which nobody listens any more is replaced; anything else in its
  // place is an error (address_in_use, not_a_socket) and left alone.
  start_error start(const std::vector<listen_address>& all, std::size_t* failed = nullptr) noexcept;
  // The same with sockets that listen already, such as those that systemd hands to a service. After
  // a success they belong to the server: it uses duplicates, and closes these. They are never shut
  // down, as another process may listen on them as well. What is not a listening stream socket is
  // std::errc::not_a_socket. They are for this audience; `more` are further addresses to listen
  // on, which `failed` counts behind the sockets.
  start_error start_inherited(std::span<const int> sockets, std::size_t* failed = nullptr,
                              audience serves = audience::all,
                              const std::vector<listen_address>& more = {}) noexcept;
  // The port of the first TCP address; 0: there is none, or start() has not succeeded. Like the
  // endpoints below, it does not change when new clients are refused.
  std::uint16_t port() const noexcept;
  // The addresses it listens on: "127.0.0.1:8080", "[::1]:8080", "unix:/run/hangup.sock".
  std::vector<std::string> endpoints() const;
  // Those with this listen_address::serves.
  std::vector<std::string> endpoints(audience serves) const;

  // The first half of a stop behind a proxy that must not cost any client a request. From now on
  // draining() returns true, which the readiness probe of the proxy reports, and every answer
  // closes its connection. New clients are still served. Call drain() when the proxy has had time
  // to notice. Thread-safe. Before start() it does nothing, and nor does drain().
  void announce_drain() noexcept;
  // Stops gracefully. New clients are refused, every answer closes its connection, and requests in
  // flight may finish until `ctx` ends. Then their contexts end with cause `shutdown`, and clients
  // that have been sent nothing get a 503. Returns an empty error when the last connection is
  // closed. Returns errc::deadline_exceeded if a handler has not returned `stop_patience` after
  // that: then do not destroy the server, but end the process. From any thread but those of
  // handlers. A second call, also at the same time, waits in the same way.
  std::error_code drain(const context& ctx, std::chrono::milliseconds stop_patience);
  // Whether a drain has been announced or begun: for a readiness probe.
  bool draining() const noexcept;

  // Ends the context of the request in flight with this number (request_view::number). It does not
  // wait until the work has stopped. One whose context has ended before, for whatever reason, is
  // already stopping; so a second call changes nothing, and its cause and `by` are not kept. An
  // answer that was all but sent may still be completed: what became of it is told to observers.
  //
  // What the client gets is decided by the cause: for causes::operator_request, a 503 if nothing
  // was sent, and else an answer that is broken off. An answer that the handler makes all the same
  // is sent instead (handler.h). The connection is kept if all of the request was there and the
  // answer is whole.
  //
  // Thread-safe, also for handlers, and for that of the request itself. Functions that hang on the
  // context (stop tokens, after_func) run in this call, with no lock of the server held. It looks
  // at each connection, until it has found the request.
  ending end_request(std::uint64_t number, const cause& why, const asker& by = {});
  // The same for all of which `which` says so, and which are not stopping already. Returns how many
  // this call has told to stop; of two calls at the same time, only one counts a request.
  //
  // `which` is called once for each request in flight, except for some that begin meanwhile. The
  // locks that accepting a connection and ending that request take are held: so it must be quick,
  // must not wait, and must not call the server. If it throws, those that it has chosen end all the
  // same, and this call throws that. Each call of it costs a copy of the texts in its view.
  std::size_t end_requests(const std::function<bool(const request_view&)>& which, const cause& why,
                           const asker& by = {});

  // For operators' pages. Thread-safe. These functions take the lock that accepting connections
  // takes too, for a few dozen connections at a time.
  //
  // Calls `look` with each request in flight until it returns false, starting with the newest
  // connection; with none twice. Those that begin or end meanwhile may be among them or not. What
  // it gets is a copy, as of a moment before, of a few dozen at a time. No lock is held during the
  // call: `look` may take its time, and may call the server. What it throws goes through.
  void each_in_flight(const std::function<bool(const request_view&)>& look) const;
  // The request of a view that was seen before, as it is now; empty: it is over. `number` and
  // `connection` are those of that view. It costs the same however many are in flight.
  std::optional<request_view> find_in_flight(std::uint64_t number, int connection) const;
  std::vector<request_view> in_flight() const;   // all of them
  std::size_t in_flight_count() const noexcept;  // reads a counter
  // The number of those to the routes for which `of` says so, by what they do.
  in_flight_counts count_in_flight(const std::function<bool(const route&)>& of) const;
  // For a follower that looks: the oldest requests to these routes, up to `most`. It is asked about
  // them now, unless it wanted to know all of them before (follower::begins()); what it wants to
  // know is told from then on. With them come the numbers of all, also of those that are not among
  // the oldest. One that begins or ends meanwhile may be among them or not. `of` must be quick, and
  // must not call the server.
  found_in_flight follow_oldest(std::size_t most, const std::function<bool(const route&)>& of);
  std::array<std::size_t, phases> connections() const;  // by phase
  // In the order of their index: first route_table::none(), then those added.
  std::vector<const route*> routes() const;

 private:
  std::error_code serve_on(listener&& on);

  const options how_;
  route_table routes_;
  guard guard_;  // of all
  guard operators_guard_;
  std::vector<observer*> observers_;
  follower* follower_ = nullptr;
  // Until start() has succeeded; then session_runner has it.
  std::shared_ptr<const tls_identity> identity_;
  bool uses_tls_ = false;  // not changed after start()
  std::unique_ptr<session_runner> runner_;
};

}  // namespace hangup::http

#pragma GCC visibility pop
