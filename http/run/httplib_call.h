// One call of a handler of cpp-httplib: the request that it gets, and its response made a reply.
// Not for users.
#pragma once

#include "hangup/http/httplib.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace hangup::http {

// Copies the request: header values as sent, decoded query parameters and form fields, and the
// addresses in their members. (Up to version 0.27 cpp-httplib also puts the addresses among the
// headers, where a header sent by the client could be taken for them.) Throws as form_of() does.
void fill(httplib::Request& to, const request& from);

// The status, the headers and the body of the response, but not its content provider. Throws
// std::invalid_argument for a status that cannot be sent.
void take_over(httplib::Response& from, const request& req, reply& to);

}  // namespace hangup::http
