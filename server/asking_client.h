// The client who asks for a request's end, also when it has asked another replica, which hands its
// question on with "Forwarded: for=" (RFC 7239).
#pragma once

#include <string>
#include <string_view>

#include "hangup/http/request.h"

namespace hangup::server {

// The client of this connection: "127.0.0.1:50312", "unix:uid=1000,pid=4711".
std::string client_text(const http::request& req);

// The value of Forwarded that names this client: for="127.0.0.1:50312".
std::string forwarded_for(std::string_view client);

// As client_text(). If Forwarded names another client: "10.0.0.9:50312 through 10.0.0.2:33900". So
// who is connected is always said, and a wrong name hides nobody. Forwarded counts only if
// `is_known`: the request has shown the token of operators, as replicas do.
std::string asking_client(const http::request& req, bool is_known);

}  // namespace hangup::server
