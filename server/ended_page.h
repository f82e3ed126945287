// GET /requests/ended: which requests have ended, newest first.
#pragma once

#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "server/ended_requests.h"

namespace hangup::server {

void show_ended(const ended_requests& ended, const http::request& req, http::reply& res);

}  // namespace hangup::server
