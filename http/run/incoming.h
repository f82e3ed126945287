// Makes the request that a handler gets from a head that has been checked. It only uses what head.h
// and query_string.h have decoded, and adds nothing. Not for users.
#pragma once

#include <memory>
#include <string_view>

#include "hangup/http/httplib.h"
#include "http/session/connection.h"
#include "http/wire/head.h"

namespace hangup::http {

// Whether a handler of this method gets a body. Bodies of other requests (RFC 9110 9.3.1) are
// discarded.
bool takes_body(std::string_view method) noexcept;

// The request, except its body: header values as sent, decoded query parameters, and the addresses
// in their members. (Up to version 0.27 cpp-httplib also puts the addresses among the headers,
// where a header sent by the client could be taken for them.)
std::unique_ptr<httplib::Request> request_for_handler(const request_head& head, const peer& ends);

}  // namespace hangup::http
