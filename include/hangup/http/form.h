// The fields of an HTML form in the body of a request: of application/x-www-form-urlencoded,
// decoded by the same rule as the query, or of multipart/form-data (RFC 7578).
//
//   for (const auto& f : hangup::http::form_of(req)) { keep(f.name, f.value); }
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "hangup/http/request.h"

#pragma GCC visibility push(default)

namespace hangup::http {

struct form_field {
  std::string name;
  std::string value;           // of a file: its content
  std::string filename{};      // both are of multipart/form-data only
  std::string content_type{};  // as sent
};

// The most fields that a form may have: each needs a few hundred bytes, but a client sends as
// little as two for it.
inline constexpr std::size_t most_form_fields = 1000;

// The fields, in their order. There are none if the Content-Type is not that of a form. Throws
// problem_error: 400 if the body is not the form that its Content-Type says, 413 if it has more
// than most_form_fields.
std::vector<form_field> form_of(const request& req);

}  // namespace hangup::http

#pragma GCC visibility pop
