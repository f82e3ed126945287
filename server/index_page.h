// The page at /, which lists the routes.
#pragma once

#include "hangup/http/server.h"
#include "server/pages.h"

namespace hangup::server {

// Adds GET /: the live page (live_page.h) if Accept prefers text/html, as that of a browser does.
// Else it lists the routes of the server with what each answers (route_descriptions.h), as plain
// text, or as JSON if Accept names application/json and prefers it to text/plain. Routes that are
// added later are listed too. `with_fanout`: a database has the report of the fan-out, and so
// the example of /fanout is shown.
void add_index_page(http::server& server, bool with_fanout, page_pool pages);

}  // namespace hangup::server
