#include "server/live_filter.h"

#include <utility>

#include "handlers/parameters.h"
#include "server/request_words.h"

namespace hangup::server {

live_selection::choice live_selection::look_at(const std::shared_ptr<const live_event>& e) {
  if (e->request == 0) {
    return {true};
  }
  if (!which_.route.empty() && e->route != which_.route) {
    return {};
  }
  if (!remembers()) {
    return {true};
  }
  auto& of = known_[e->request];
  const bool begins = e->name == "began";
  if (begins && of.told) {
    return {};  // it has become one of the oldest, and was told then
  }
  of.state = of.state || which_.state.empty() || e->state == which_.state;
  of.end = of.end || !which_.end || e->end == which_.end;
  choice c{of.state && of.end};
  if (begins) {
    of.began = c.passes ? nullptr : e;
    of.told = c.passes;
  } else if (c.passes) {
    c.began = std::exchange(of.began, nullptr);
    of.told = of.told || c.began != nullptr;
  }
  if (e->name == "ended") {
    known_.erase(e->request);
  } else if (known_.size() > most_known) {
    known_.erase(known_.begin());
  }
  return c;
}

std::optional<live_filter> live_filter::of(const http::request& req, http::reply& res) {
  handlers::parameters p(req);
  live_filter f;
  f.route = route_of(p);
  f.end = end_of(p, req);
  f.state = state_of(p, req);
  if (!p.problem().empty()) {
    res.problem(400, p.problem());
    return std::nullopt;
  }
  return f;
}

}  // namespace hangup::server
