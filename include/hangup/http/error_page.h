// The bodies of the answers that the server makes itself: for a path without a route, a head that
// is refused, a full queue, a deadline that has passed, an exception of a handler, and so on. They
// are problems (problem.h), unless options::make_error makes something else of them:
//
//   hangup::http::options how;
//   how.make_error = [](const hangup::http::server_error& e) {
//     return hangup::http::error_page{"text/plain",
//                                     std::to_string(e.status) + " " + std::string(e.detail) +
//                                     "\n"};
//   };
//
// Status and headers stay what they are: only the body and its type are replaced. What a handler
// answers is never touched, also if that is a problem by reply::problem() or http::set_problem().
// What it throws is an answer of the server, and so is the body of an error status that it has set
// without one.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "hangup/http/request.h"

#pragma GCC visibility push(default)

namespace hangup::http {

// What is to be told. The views, and the request, are valid during the call.
struct server_error {
  int status = 500;               // 400..599
  std::string_view detail{};      // a sentence for the client; it may contain what the client sent
  std::string_view request_id{};  // as in X-Request-Id; empty: no request is known
  const request* head =
      nullptr;  // null: there was none, or it was refused. Its body may be missing
};

struct error_page {
  std::string content_type;
  std::string body;
};

// The largest body of a page. With a larger one, or with a content type that is empty or has a
// control character in it, the client gets the problem.
inline constexpr std::size_t most_error_page = 64 << 10;

// Empty: the client gets the problem; also if it throws. Several threads call it at once, also
// those that read requests: it must be thread-safe, and quick.
using error_maker = std::function<std::optional<error_page>(const server_error& e)>;

}  // namespace hangup::http

#pragma GCC visibility pop
