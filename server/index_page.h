// The page at /, which lists the routes.
#pragma once

#include "http/server.h"

namespace hangup::server {

// Adds GET /, without a pool: lists the routes of the server with what each answers
// (route_descriptions.h), as plain text, or as JSON if Accept names application/json and prefers it
// to text/plain. Routes that are added later are listed too.
void add_index_page(http::server& server);

}  // namespace hangup::server
