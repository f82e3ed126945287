// The fields of an HTML form in the body of a request, stored as cpp-httplib's handlers expect
// them: those of application/x-www-form-urlencoded as parameters, those of multipart/form-data (RFC
// 7578) as files. Not for users.
#pragma once

#include "hangup/http/httplib.h"

namespace hangup::http {

// The most fields that a form may have: each needs a few hundred bytes, but a client sends as
// little as two for it.
inline constexpr std::size_t most_form_fields = 1000;

enum class form_is { none, read, malformed, too_many_fields };

// Parses the body of the request, if its Content-Type says that it is a form.
form_is read_form(httplib::Request& req);

}  // namespace hangup::http
