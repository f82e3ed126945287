// GET /requests/ended: which requests have ended, newest first.
#pragma once

#include <string>

#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "server/ended_requests.h"

namespace hangup::server {

void show_ended(const ended_requests& ended, const std::string& instance, const http::request& req,
                http::reply& res);

// What is wrong with its parameters; empty: nothing is.
std::string wrong_with_ended(const http::request& req);

}  // namespace hangup::server
