#include "http/run/incoming.h"

#include "http/wire/query_string.h"

namespace hangup::http {

bool takes_body(std::string_view method) noexcept {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

namespace {

// Keeps header lines with the same name in order. Some versions of cpp-httplib store headers in a
// hash table, which would insert a third line between the first two without a hint.
template <class Headers>
void add(Headers& to, std::string_view name, std::string_view value) {
  std::string key(name);
  if constexpr (requires { typename Headers::hasher; }) {
    auto behind = to.end();
    for (auto [line, last] = to.equal_range(key); line != last; ++line) {
      behind = line;
    }
    to.emplace_hint(behind, std::move(key), value);
  } else {
    to.emplace(std::move(key), value);
  }
}

}  // namespace

std::unique_ptr<httplib::Request> request_for_handler(const request_head& head, const peer& ends) {
  auto req = std::make_unique<httplib::Request>();
  req->method = head.method;
  req->target = head.target;
  req->path = head.path;
  req->version = head.http_1_1 ? "HTTP/1.1" : "HTTP/1.0";
  req->remote_addr = ends.remote_address;
  req->remote_port = ends.remote_port;
  req->local_addr = ends.local_address;
  req->local_port = ends.local_port;
  for (const auto& [name, value] : head.headers) {
    add(req->headers, name, value);
  }
  for_each_parameter(head.query, [&](std::string name, std::string value) {
    req->params.emplace(std::move(name), std::move(value));
    return true;
  });
  return req;
}

}  // namespace hangup::http
