#include "server/live_filter.h"

#include <string_view>

#include "handlers/parameters.h"

namespace hangup::server {
namespace {

constexpr std::string_view ends_allowed =
    "completed, client_closed, client_reset, client_vanished, deadline, shutdown, operator, "
    "rejected, failed or bad_request";
constexpr std::string_view states_allowed = "received, queued, running, waiting or writing";

template <class Named>
std::optional<Named> named(std::string_view text, int count) noexcept {
  for (int i = 0; i < count; ++i) {
    if (name(static_cast<Named>(i)) == text) {
      return static_cast<Named>(i);
    }
  }
  return std::nullopt;
}

}  // namespace

bool live_filter::lets_through(const live_event& e) const noexcept {
  if (e.request == 0) {
    return true;
  }
  if (!route.empty() && e.route != route) {
    return false;
  }
  return (!end && !state) || (end && e.end == end) || (state && e.state == state);
}

std::optional<live_filter> live_filter::of(const http::request& req, http::reply& res) {
  handlers::parameters p(req);
  live_filter f;
  f.route = p.text_or("route", "", 256);
  const auto end = p.text_or("end", "", 32);
  const auto state = p.text_or("state", "", 32);
  if (!end.empty()) {
    f.end = named<http::request_end>(end, http::request_ends);
    if (!f.end) {
      p.wrong("end", end, ends_allowed);
    }
  }
  if (!state.empty()) {
    f.state = named<http::request_state>(state, static_cast<int>(http::request_state::ended));
    if (!f.state) {
      p.wrong("state", state, states_allowed);
    }
  }
  if (!p.problem().empty()) {
    res.problem(400, p.problem());
    return std::nullopt;
  }
  return f;
}

}  // namespace hangup::server
