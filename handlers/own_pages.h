// Protects requests that change something, or cost much, from being sent by other sites' web pages.
#pragma once

#include <string_view>

#include "hangup/http/request.h"
#include "hangup/http/route.h"

namespace hangup::handlers {

// Whether the browser says that the request comes from a page of another origin: by Sec-Fetch-Site,
// or by an Origin that differs from Host, or is neither https nor, on a connection without TLS,
// http; also if one of the two is there twice. Any web page can make a visitor's browser send a
// request, with the visitor's address and rights.
bool is_asked_by_another_page(const http::request& req);
// What it is told then.
inline constexpr std::string_view told_another_page =
    "a page of another origin may not ask for this";

// The handler, but only for requests from the server's own pages and from programs that are not
// browsers. Others are answered with a 403.
http::handler for_own_pages(http::handler h);

}  // namespace hangup::handlers
