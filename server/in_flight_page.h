// GET /requests: which requests are in flight.
#pragma once

#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "hangup/http/server.h"

namespace hangup::server {

void show_in_flight(const http::server& server, const http::request& req, http::reply& res);

}  // namespace hangup::server
