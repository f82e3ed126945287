// Which of the events about single requests somebody wants to see.
#pragma once

#include <optional>
#include <string>

#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "server/live_events.h"

namespace hangup::server {

struct live_filter {
  std::string route{};  // empty: all of them
  // If one of them is given, only requests that end in this way, or begin or go on in this state.
  std::optional<http::request_end> end{};
  std::optional<http::request_state> state{};

  bool lets_through(const live_event& e) const noexcept;
  // The parameters route, end and state. If one is not allowed, `res` is a 400 that says so.
  static std::optional<live_filter> of(const http::request& req, http::reply& res);
};

}  // namespace hangup::server
