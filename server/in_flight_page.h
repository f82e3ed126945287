// GET /requests: which requests are in flight.
#pragma once

#include <string>

#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "hangup/http/server.h"

namespace hangup::server {

void show_in_flight(const http::server& server, const std::string& instance,
                    const http::request& req, http::reply& res);

// What is wrong with its parameters; empty: nothing is.
std::string wrong_with_in_flight(const http::request& req);

}  // namespace hangup::server
