// Routes: which handler answers which requests, where it runs, how many at a time, and its
// deadline.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hangup/context/context.h"
#include "hangup/http/audience.h"
#include "hangup/http/half_close.h"
#include "hangup/http/handler.h"
#include "hangup/http/path_pattern.h"
#include "hangup/worker/pool.h"

#pragma GCC visibility push(default)

namespace hangup {
class loop;
}

namespace hangup::http {

// Why a request is not served, decided by its head alone.
struct denial {
  int status = 403;  // 200..599. Below 400 the answer has no body: 204 to a preflight of CORS, 303
  std::string detail{};   // a sentence for the client
  std::string headers{};  // further header lines, each ended by CRLF: "Retry-After: 1\r\n". What is
                          // not a header line, and what the connection sets itself, is left out
};
// Empty: it is served. Called on the thread that has read the head, so it must be quick. It sees no
// body: nothing of that has been asked for. It must be thread-safe, and may throw std::bad_alloc
// only: after an exception the connection is closed, and nobody has been served.
using guard = std::function<std::optional<denial>(const request& req)>;

struct route {
  std::string method;  // GET also answers HEAD
  // A complete decoded path, "/query/sim", or a pattern, "/jobs/{id}" (path_pattern.h), whose
  // handler finds what stands in place of {id} in request::path_parameter(). It is also the name of
  // the route in metrics: one name per pattern, whatever the client sends in place of {id}. It is
  // no regular expression, and has no "/:name": such a path is refused, unless it is `literal`.
  std::string path;
  // The pool that the handler runs on. Null, and no loop: it runs on the thread that has read the
  // request. That is only for small answers that need no waiting, since other connections wait
  // meanwhile.
  pool* runs_on = nullptr;
  // The loop (hangup/worker/loop.h) that the handler runs on, if it is a task. It must outlive the
  // server. Only together with such a handler: server::handle() throws otherwise.
  loop* on_loop = nullptr;
  // The most requests of this route that may be in flight, from the complete head to the end; the
  // next one is answered with a 503 at once. 0: no limit, but that of a pool or of the loop.
  std::size_t max_in_flight = 0;
  std::string too_many{};  // what that client is told; empty: a text that is true of any route
  std::chrono::milliseconds deadline{0};  // from the complete head to the end of the work; 0: none,
                                          // or options::spot_deadline on the spot
  std::optional<half_close> on_half_close{};  // empty: as in options
  // If set, the route answers 404 when the path has percent-encodings. For paths that a proxy in
  // front blocks, because not every proxy decodes a path before it compares.
  bool as_written = false;
  // If set, no character of the path means anything but itself: it may have braces, or what looks
  // like a regular expression.
  bool literal = false;
  // If set, answers that are complete in memory are compressed with gzip for clients that accept
  // it. Only with a pool, because compressing is a part of the request's work:
  // route_table::add() throws std::invalid_argument otherwise.
  bool compress = false;
  // If set, the handler, a task, is called when the body begins to arrive, and reads it by
  // request::read(), so that a large one needs little memory. Otherwise it gets the whole body.
  bool body_in_pieces = false;
  audience serves = audience::all;  // on which addresses: listen_address::serves
  // If set, it is asked about each request before anything of it is read but its head, and before
  // it waits for a place, a worker or a task.
  guard admits{};
  handler answer{};       // native, of cpp-httplib, or a task: handler.h
  std::size_t index = 0;  // set by the table: 1, 2 ... in the order of add()

  // Whether the handler runs on the thread that has read the request.
  bool is_on_the_spot() const noexcept { return runs_on == nullptr && on_loop == nullptr; }
};

// Finds a route by method and path: in constant time for a plain path, otherwise with one
// comparison per pattern. It is filled before the server starts and only read afterwards.
class route_table {
 public:
  struct found {
    const route* to = nullptr;
    // What stands in place of {id} in the pattern of the route, as a view into the path.
    std::string_view segment{};
    // And its name, "id", as a view into the path of the route.
    std::string_view name{};
    // If no route was found: the methods that the path has (for "*": those of all paths), including
    // OPTIONS. Empty if the path is unknown.
    std::string allow{};
  };

  route_table();

  // Adds a route. Throws std::invalid_argument for a path that does not begin with '/', an invalid
  // pattern, a path with one of the characters \ ^ $ * + ? ( ) [ ] | or with "/:" that is not
  // `literal` (its text says what to write instead), an unsupported method, `compress` without a
  // pool, `body_in_pieces` without a loop, both a pool and a loop, and a second handler for the
  // same method and path. A plain path takes precedence over patterns, and an earlier pattern over
  // a later one.
  void add(route r);

  // Finds a route. `encoded`: the path had percent-encodings in the target. `from`: whom the
  // address is for on which the request came. Routes that are for others do not exist for it.
  found find(std::string_view method, const std::string& path, bool encoded = false,
             audience from = audience::all) const;

  // The route under which requests without one are counted: path "none", index 0.
  const route& none() const noexcept { return *routes_.front(); }
  std::vector<const route*> all() const;  // in the order of their index, none() first

 private:
  using by_method = std::vector<const route*>;  // the routes of one path
  by_method& at(const route& r);
  const by_method* matching(const std::string& path, std::string_view& segment) const;

  std::vector<std::unique_ptr<route>> routes_;
  std::unordered_map<std::string, by_method> by_path_;
  std::vector<std::pair<path_pattern, by_method>> by_pattern_;
};

}  // namespace hangup::http

#pragma GCC visibility pop
