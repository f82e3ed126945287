// The fields of an HTML form that a request carries as its body: application/x-www-form-urlencoded
// into its parameters, multipart/form-data (RFC 7578) into its files, as cpp-httplib's handlers
// expect them. Not for users.
#pragma once

#include "http/httplib.h"

namespace hangup::http {

// How many fields a form may have: each costs some hundred bytes, and two that were sent.
inline constexpr std::size_t most_form_fields = 1000;

enum class form_is { none, read, malformed, too_many_fields };

// Reads the body of the request, if its Content-Type says that it is a form.
form_is read_form(httplib::Request& req);

}  // namespace hangup::http
