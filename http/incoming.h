// From a head that has been vetted to what a handler gets: nothing is decoded here by other rules
// than those of head.h and query_string.h, and nothing is added. Not for users.
#pragma once

#include <memory>
#include <string_view>

#include "http/connection.h"
#include "http/head.h"
#include "http/httplib.h"

namespace hangup::http {

// Does a handler of this method get a body? What comes with another (RFC 9110 9.3.1) is thrown
// away.
bool takes_body(std::string_view method) noexcept;

// The request, all but its body: header values as they were sent, parameters of the query decoded,
// the addresses in the members for them. (cpp-httplib puts those among the headers too, up to 0.27:
// there a client's header of that name would be taken for them.)
std::unique_ptr<httplib::Request> request_for_handler(const request_head& head, const peer& ends);

}  // namespace hangup::http
