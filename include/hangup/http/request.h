// The request that a handler gets, and what a handler can ask and report about it with only the
// context.
//
//   const auto limit = req.parameter("limit").value_or("100");  // of "?limit=..."
//   const bool wants_csv = req.header("Accept") == "text/csv";
//
// All texts are views into what was checked when the head arrived: nothing is decoded twice, and
// nothing that was not checked can be seen. They are valid until the answer is finished: while the
// handler runs, and while what it streams is produced. It does not change, but by read(), so any
// number of threads may read it.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hangup/context/context.h"
#include "hangup/http/piece_wait.h"
#include "hangup/http/trace.h"
#include "hangup/worker/pool.h"

#pragma GCC visibility push(default)

namespace hangup::http {

class piece_source;

// A header line or a query parameter.
struct field {
  std::string_view name;
  std::string_view value;
};

class request {
 public:
  // A request as a client would send it with HTTP/1.1, for tests of handlers. `target` is encoded
  // as it is sent: "/search?pattern=a%20b". Host is "localhost" unless it is among the headers. It
  // belongs to no route and no connection: the addresses are empty, and what stands in place of
  // {id} in the route is given as `path_parameter`, a part of the decoded path, with its name.
  // Throws std::invalid_argument with the reason if the server would refuse it.
  request(std::string_view method, std::string_view target, const std::vector<field>& headers = {},
          std::string_view body = {}, std::string_view path_parameter = {},
          std::string_view path_parameter_name = "id");
  ~request();
  request(const request&) = delete;
  request& operator=(const request&) = delete;

  std::string_view method() const noexcept { return method_; }  // "GET"; for HEAD, "HEAD"
  std::string_view target() const noexcept { return target_; }  // as sent
  // Decoded, without the query. An encoded slash does not separate segments, so it stays "%2F".
  std::string_view path() const noexcept { return path_; }
  // What stands in place of {id} in the path of the route (path_pattern.h); empty without a
  // pattern.
  std::string_view path_parameter() const noexcept { return path_parameter_; }
  // The same by its name: of "/jobs/{id}" path_parameter("id"); nullopt if the route has no segment
  // of this name.
  std::optional<std::string_view> path_parameter(std::string_view name) const noexcept;
  std::string_view path_parameter_name() const noexcept { return path_parameter_name_; }
  bool is_http_1_0() const noexcept { return http_1_0_; }

  // The query's parameters, in their order. They are decoded once: '+' is a space, %XX is a byte,
  // and anything else after a '%' stays as sent. One without a name is left out; one without a
  // value has an empty one. Names are compared exactly.
  std::span<const field> parameters() const noexcept { return parameters_; }
  bool has_parameter(std::string_view name) const noexcept { return parameter(name).has_value(); }
  std::size_t count_parameter(std::string_view name) const noexcept;
  std::optional<std::string_view> parameter(std::string_view name) const noexcept;  // the first
  std::vector<std::string_view> parameter_values(std::string_view name) const;

  // The header lines, in their order, with values as sent and without the blanks around them. Names
  // are equal in any letter case.
  std::span<const field> headers() const noexcept { return headers_; }
  bool has_header(std::string_view name) const noexcept { return header(name).has_value(); }
  std::size_t count_header(std::string_view name) const noexcept;
  std::optional<std::string_view> header(std::string_view name) const noexcept;  // the first line
  // All lines with this name as one list (RFC 9110 5.3): "a, b"; empty if there is none.
  std::string header_list(std::string_view name) const;

  // The whole body; its form fields are read by form.h. Requests other than POST, PUT, PATCH and
  // DELETE have none. With route::body_in_pieces: the piece that read() has given.
  std::string_view body() const noexcept { return body_; }
  // For a task, in a route with route::body_in_pieces: the next piece of the body, valid until the
  // next call; it is empty after the last one. Waits, without a thread, until it has come.
  //
  //   std::string_view piece;
  //   while (!(co_await req.read(ctx, piece)) && !piece.empty()) {
  //     co_await save(ctx, piece);
  //   }
  //
  // Returns ctx.err() once the context has ended. If the body is refused (too large, malformed) or
  // the client is too slow, std::errc::bad_message, and whatever the handler answers, the client is
  // told that; a stream that it has begun is cut off. What is not read is thrown away. In other
  // routes, and in tests, the first piece is the whole body.
  read_wait read(const context& ctx, std::string_view& piece) noexcept {
    return {*this, ctx, piece};
  }

  // "127.0.0.1", "::1". On a Unix socket the remote address is the user and the port the process of
  // the client, "unix:uid=1000" and 4711; the local one is "unix:/run/hangup.sock", with port 0.
  std::string_view remote_address() const noexcept { return remote_address_; }
  int remote_port() const noexcept { return remote_port_; }
  std::string_view local_address() const noexcept { return local_address_; }
  int local_port() const noexcept { return local_port_; }
  // Whether the connection has TLS. A proxy in front may have it although this has not.
  bool is_tls() const noexcept { return is_tls_; }

 private:
  friend struct request_access;  // fills it: see http/exchange/incoming.h
  request() = default;

  std::string text_;  // the head as sent, the decoded path, and decoded parameters
  std::string_view method_;
  std::string_view target_;
  std::string_view path_;
  std::string_view path_parameter_;
  std::string_view path_parameter_name_;
  std::vector<field> parameters_;
  std::vector<field> headers_;
  std::string body_;
  std::string_view remote_address_;
  std::string_view local_address_;
  int remote_port_ = 0;
  int local_port_ = 0;
  bool http_1_0_ = false;
  bool is_tls_ = false;
  bool was_read_ = false;           // the first piece
  piece_source* source_ = nullptr;  // set: there are more
};

// The functions below work in any function and on any thread that the context is passed to. Without
// a server (in a test) they have no effect.

// The id of the request; empty outside of a request. Valid as long as a handle to the context
// exists.
const std::string& request_id(const context& ctx) noexcept;

// The trace that the request belongs to; null outside of a request. Valid as long as the id.
const trace* trace_of(const context& ctx) noexcept;

// The client of the request, as the owner of what clients share: one number for each IPv4 address,
// /64 network of IPv6, or user of a Unix socket. Outside of a request: pool::nobody. It is also
// available to work that goes on after its request, if its context is derived from that of the
// request.
pool::owner client_of(const context& ctx) noexcept;

// Records the time at which the work noticed that its context had ended, and stopped. The first
// call counts. If a handler never calls it, the time at which it returned is used. Lock-free.
void work_stopped(const context& ctx) noexcept;

// Says how long the work takes in all, from the call of the handler, if nobody stops it. So what is
// saved by stopping it is known: request_report::expected. That is the time until the deadline of
// the request, if this is longer. The last call counts; zero or less takes it back: it is not known
// then. Of a task it is the time until it ends, in which it need not hold a thread. A context that
// is derived from that of the request will do; with any other it does nothing. Lock-free.
void work_expected(const context& ctx, std::chrono::nanoseconds in_all) noexcept;

}  // namespace hangup::http

#pragma GCC visibility pop
