// Protects requests that change something from being sent by other sites' web pages.
#pragma once

#include "hangup/http/route.h"

namespace hangup::handlers {

// The handler, but only for requests from the server's own pages and from programs that are not
// browsers. It answers 403 if the browser says that the request comes from a page of another origin
// (by Sec-Fetch-Site, or by an Origin that differs from Host, or is not https where the connection
// is). Otherwise any web page could make a visitor's browser send such a request, with the
// visitor's address and rights.
http::handler for_own_pages(http::handler h);

}  // namespace hangup::handlers
