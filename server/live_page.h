// The live page: what the server does now, for a browser. Its sources are in server/page/.
#pragma once

#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "hangup/http/server.h"

namespace hangup::server {

// Answers with the page itself: the one of GET / for browsers. 304 if the browser has it.
void answer_live_page(const http::request& req, http::reply& res);

// Adds GET /page/{file}: the styles and modules that the page loads, each by its name without its
// extension.
void add_live_page_files(http::server& server);

}  // namespace hangup::server
