// Requests that change something, and whose page a browser sends them for.
#pragma once

#include "http/route.h"

namespace hangup::handlers {

// The handler, for requests of the server's own pages and of programs that are no browser: 403
// where the browser says that a page of another origin asks (Sec-Fetch-Site, else an Origin that is
// not the Host). A browser sends what any page tells it to, with the address and the rights of
// whoever looks at it.
http::handler for_own_pages(http::handler h);

}  // namespace hangup::handlers
