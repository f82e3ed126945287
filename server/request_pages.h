// GET /requests and GET /requests/ended: which requests are in flight, and which have ended.
#pragma once

#include <string>

#include "hangup/http/server.h"
#include "server/ended_requests.h"
#include "server/pages.h"

namespace hangup::server {

// Adds both. Each shows up to `limit` entries as JSON, or as CSV if Accept prefers that, and where
// there are more, a Link with rel="next" has the target of the next page (RFC 8288). Requests in
// flight come oldest first, those that have ended newest first; so a page does not change those
// that come after it. `instance` tells this server from the one before it, which has used the same
// numbers. A page is sent while it is made, and needs memory for a part of it.
void add_request_pages(http::server& server, const ended_requests& ended, page_pool pages,
                       const std::string& instance);

}  // namespace hangup::server
