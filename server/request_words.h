// The words by which queries choose among requests, the same on all pages: their route, state and
// end.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "handlers/parameters.h"
#include "hangup/http/observer.h"
#include "hangup/http/request.h"
#include "hangup/http/request_end.h"

namespace hangup::server {

// A state for queries only: the context has ended, and the work goes on.
inline constexpr std::string_view stopping = "stopping";

bool is_stopping(const http::request_view& v) noexcept;

// The parameters "route" and "state"; empty if the parameter is absent or wrong.
std::string route_of(handlers::parameters& p);
std::string state_of(handlers::parameters& p, const http::request& req);
// The parameter "end".
std::optional<http::request_end> end_of(handlers::parameters& p, const http::request& req);

}  // namespace hangup::server
