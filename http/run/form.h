// Reads the form in the body of a request: see include/hangup/http/form.h. Not for users.
#pragma once

#include <string_view>
#include <vector>

#include "hangup/http/form.h"

namespace hangup::http {

enum class form_is { none, urlencoded, multipart, malformed, too_many_fields };

// Appends the fields, at most most_form_fields. The body is parsed if its Content-Type says that it
// is a form.
form_is read_form(std::string_view content_type, std::string_view body,
                  std::vector<form_field>& fields);

// The same for a request. Throws problem_error as form_of() does.
form_is read_form(const request& req, std::vector<form_field>& fields);

}  // namespace hangup::http
