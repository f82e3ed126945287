// The live page: what the server does now, for a browser. Its sources are in server/page/.
#pragma once

#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "hangup/http/server.h"

namespace hangup::server {

// Whether GET / is to be answered with the page: a browser names text/html in Accept when a person
// opens it; curl and scripts do not.
bool prefers_live_page(const http::request& req);
// Whether it is the page or one of its files. These are the same for everybody and tell nothing of
// the server. A browser cannot send a token when a person opens a page; what the page then asks for
// it asks with one.
bool is_part_of_live_page(const http::request& req);

// Answers with the page itself: the one of GET / for browsers. 304 if the browser has it.
void answer_live_page(const http::request& req, http::reply& res);

// Adds GET /page/{file}: the styles and modules that the page loads, each by its name without its
// extension.
void add_live_page_files(http::server& server);

}  // namespace hangup::server
