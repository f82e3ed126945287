#include "http/run/form.h"

#include <string_view>

#include "hangup/http/form.h"
#include "hangup/http/problem.h"
#include "http/wire/header_list.h"
#include "http/wire/query_string.h"

namespace hangup::http {
namespace {

// The parameter with this name, unquoted; empty if there is none.
std::string parameter_of(std::string_view value, std::string_view name) {
  std::string found;
  for_each_part(value, [&](const list_part& part) {
    if (found.empty() && equals_ignoring_case(part.name, name)) {
      found = unquoted(part.value);
    }
  });
  return found;
}

// Parses one part: header lines, an empty line, the content.
bool read_part(std::string_view part, std::vector<form_field>& fields) {
  form_field f;
  for (;;) {
    const auto end = part.find("\r\n");
    if (end == std::string_view::npos) {
      return false;
    }
    const auto line = part.substr(0, end);
    part.remove_prefix(end + 2);
    if (line.empty()) {
      break;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return false;
    }
    const auto value = trimmed(line.substr(colon + 1));
    if (equals_ignoring_case(line.substr(0, colon), "Content-Disposition")) {
      f.name = parameter_of(value, "name");
      f.filename = parameter_of(value, "filename");
    } else if (equals_ignoring_case(line.substr(0, colon), "Content-Type")) {
      f.content_type = value;
    }
  }
  if (f.name.empty()) {
    return false;
  }
  f.value = part;
  fields.push_back(std::move(f));
  return true;
}

form_is read_multipart(std::string_view body, const std::string& boundary,
                       std::vector<form_field>& fields) {
  constexpr std::size_t longest_boundary = 70;  // RFC 2046 5.1.1
  if (boundary.empty() || boundary.size() > longest_boundary) {
    return form_is::malformed;
  }
  const auto delimiter = "--" + boundary;
  if (body.substr(0, delimiter.size()) != delimiter) {
    return form_is::malformed;
  }
  body.remove_prefix(delimiter.size());
  const auto next = "\r\n" + delimiter;
  while (body.substr(0, 2) != "--") {
    if (fields.size() == most_form_fields) {
      return form_is::too_many_fields;
    }
    const auto end = body.find(next);
    if (body.substr(0, 2) != "\r\n" || end == std::string_view::npos || end < 2 ||
        !read_part(body.substr(2, end - 2), fields)) {
      return form_is::malformed;
    }
    body.remove_prefix(end + next.size());
  }
  return form_is::multipart;
}

}  // namespace

form_is read_form(std::string_view content_type, std::string_view body,
                  std::vector<form_field>& fields) {
  const auto media = trimmed(content_type.substr(0, content_type.find(';')));
  if (equals_ignoring_case(media, "multipart/form-data")) {
    return read_multipart(body, parameter_of(content_type, "boundary"), fields);
  }
  if (!equals_ignoring_case(media, "application/x-www-form-urlencoded")) {
    return form_is::none;
  }
  const bool all = for_each_parameter(body, [&](std::string name, std::string value) {
    if (fields.size() == most_form_fields) {
      return false;
    }
    fields.push_back({std::move(name), std::move(value)});
    return true;
  });
  return all ? form_is::urlencoded : form_is::too_many_fields;
}

form_is read_form(const request& req, std::vector<form_field>& fields) {
  const auto is = read_form(req.header("Content-Type").value_or(""), req.body(), fields);
  if (is == form_is::malformed) {
    throw problem_error(400, "the body is not the form that its Content-Type says");
  }
  if (is == form_is::too_many_fields) {
    throw problem_error(413,
                        "the form has more than " + std::to_string(most_form_fields) + " fields");
  }
  return is;
}

std::vector<form_field> form_of(const request& req) {
  std::vector<form_field> fields;
  read_form(req, fields);
  return fields;
}

}  // namespace hangup::http
