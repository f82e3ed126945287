#include "hangup/http/route.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace hangup::http {
namespace {

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
  auto& here = at(r.path);
  for (const auto* other : here) {
    if (other->method == r.method) {
      throw std::invalid_argument("route " + r.path + ": a second handler for " + r.method);
    }
  }
  r.index = routes_.size();
  routes_.push_back(std::make_unique<route>(std::move(r)));
  here.push_back(routes_.back().get());
}

route_table::by_method& route_table::at(const std::string& path) {
  if (!path_pattern::is_one(path)) {
    return by_path_[path];
  }
  const path_pattern as(path);
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
    return {nullptr, {}, methods.empty() ? "OPTIONS" : std::move(methods)};
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
      return {r, segment};
    }
  }
  return {nullptr, {}, methods_of(*here, from)};
}

std::vector<const route*> route_table::all() const {
  std::vector<const route*> all;
  for (const auto& r : routes_) {
    all.push_back(r.get());
  }
  return all;
}

}  // namespace hangup::http
