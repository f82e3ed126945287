#include "hangup/http/route.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "http/wire/grammar.h"

namespace hangup::http {
namespace {

constexpr auto npos = std::string::npos;
constexpr std::string_view of_patterns = R"(\^$*+?()[]|)";

// Each method once, in the order of the routes.
std::string methods_of(const std::vector<const route*>& routes, audience from) {
  std::vector<std::string_view> methods;
  const auto add = [&methods](std::string_view method) {
    if (std::find(methods.begin(), methods.end(), method) == methods.end()) {
      methods.push_back(method);
    }
  };
  for (const auto* r : routes) {
    if (!overlap(r->serves, from)) {
      continue;
    }
    add(r->method);
    if (r->method == "GET") {
      add("HEAD");
    }
  }
  if (methods.empty()) {
    return {};
  }
  add("OPTIONS");
  std::string list;
  for (const auto method : methods) {
    list.append(list.empty() ? "" : ", ").append(method);
  }
  return list;
}

// What to write in place of a path that is meant for cpp-httplib: "/users/{id}" for "/users/:id"
// and for "/users/(\\d+)". Empty if more than one segment would be free.
std::string in_braces(std::string_view path) {
  std::string to;
  std::size_t free = 0;
  for (path.remove_prefix(1); free < 2; path.remove_prefix(1)) {
    const auto segment = path.substr(0, path.find('/'));
    std::string_view name = segment;
    name.remove_prefix(name.starts_with(':') ? 1 : 0);
    const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return is_alphanumeric(c) || c == '_';
    });
    const bool is_free = segment.starts_with(':') || segment.find_first_of(of_patterns) < npos;
    free += is_free ? 1 : 0;
    to.append("/").append(!is_free                              ? std::string(segment)
                          : is_name && segment.starts_with(':') ? "{" + std::string(name) + "}"
                                                                : "{name}");
    path.remove_prefix(segment.size());
    if (path.empty()) {
      break;
    }
  }
  return free == 1 ? to : std::string();
}

// A path that cpp-httplib's own server would take for a pattern.
void check_is_literal(const std::string& path) {
  const auto at = path.find_first_of(of_patterns);
  const bool has_colon = path.find("/:") != npos;
  if (at == npos && !has_colon) {
    return;
  }
  const auto instead = in_braces(path);
  throw std::invalid_argument(
      "route " + path + ": a path is no regular expression and has no /:name, and " +
      (has_colon ? "':'" : "'" + path.substr(at, 1) + "'") + " would be taken as it is; " +
      (!instead.empty() ? "write " + instead + " for one free segment"
                        : std::string("one segment may be free, as in /users/{id}")) +
      ", or set route::literal");
}

}  // namespace

route_table::route_table() {
  routes_.push_back(std::make_unique<route>());
  routes_.front()->path = "none";
}

void route_table::add(route r) {
  static constexpr std::array<std::string_view, 6> methods = {"GET",    "POST",    "PUT",
                                                              "DELETE", "OPTIONS", "PATCH"};
  if (std::find(methods.begin(), methods.end(), r.method) == methods.end()) {
    throw std::invalid_argument("route " + r.path + ": method " + r.method +
                                " is not one of GET, POST, PUT, DELETE, OPTIONS, PATCH");
  }
  if (r.path.empty() || r.path.front() != '/') {
    throw std::invalid_argument("route " + r.path + ": a path starts with /");
  }
  if (!r.literal) {
    check_is_literal(r.path);
  }
  if (r.compress && r.runs_on == nullptr) {
    throw std::invalid_argument("route " + r.path + ": compress needs a pool");
  }
  if (r.body_in_pieces && r.on_loop == nullptr) {
    throw std::invalid_argument("route " + r.path + ": body_in_pieces needs a loop");
  }
  if (r.runs_on != nullptr && r.on_loop != nullptr) {
    throw std::invalid_argument("route " + r.path +
                                ": it runs on a pool or on a loop, not on both");
  }
  auto& here = at(r);
  for (const auto* other : here) {
    if (other->method == r.method) {
      throw std::invalid_argument("route " + r.path + ": a second handler for " + r.method);
    }
  }
  r.index = routes_.size();
  routes_.push_back(std::make_unique<route>(std::move(r)));
  here.push_back(routes_.back().get());
}

route_table::by_method& route_table::at(const route& r) {
  if (r.literal || !path_pattern::is_one(r.path)) {
    return by_path_[r.path];
  }
  const path_pattern as(r.path);
  for (auto& [pattern, here] : by_pattern_) {
    if (pattern == as) {
      return here;
    }
  }
  return by_pattern_.emplace_back(as, by_method()).second;
}

const route_table::by_method* route_table::matching(const std::string& path,
                                                    std::string_view& segment) const {
  if (const auto here = by_path_.find(path); here != by_path_.end()) {
    return &here->second;
  }
  for (const auto& [pattern, here] : by_pattern_) {
    if (const auto there = pattern.match(path)) {
      segment = *there;
      return &here;
    }
  }
  return nullptr;
}

route_table::found route_table::find(std::string_view method, const std::string& path, bool encoded,
                                     audience from) const {
  if (path == "*") {
    auto served = all();
    served.erase(served.begin());  // none()
    auto methods = methods_of(served, from);
    return {nullptr, {}, {}, methods.empty() ? "OPTIONS" : std::move(methods)};
  }
  std::string_view segment;
  const auto* const here = matching(path, segment);
  if (here == nullptr || (encoded && std::any_of(here->begin(), here->end(),
                                                 [](const auto* r) { return r->as_written; }))) {
    return {};
  }
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  for (const auto* r : *here) {
    if (r->method == wanted && overlap(r->serves, from)) {
      return {r, segment, segment.empty() ? segment : path_pattern::name_in(r->path)};
    }
  }
  return {nullptr, {}, {}, methods_of(*here, from)};
}

std::vector<const route*> route_table::all() const {
  std::vector<const route*> all;
  for (const auto& r : routes_) {
    all.push_back(r.get());
  }
  return all;
}

}  // namespace hangup::http
