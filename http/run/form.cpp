#include "http/run/form.h"

#include "http/wire/head.h"
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

// Adds to a map of cpp-httplib; the other members of its values differ between versions.
template <class Parts>
void add_to(Parts& parts, const std::string& name, const std::string& filename,
            const std::string& content_type, std::string_view content) {
  typename Parts::mapped_type part;
  part.name = name;
  part.content = content;
  if constexpr (requires { part.filename; }) {
    part.filename = filename;
    part.content_type = content_type;
  }
  parts.emplace(name, std::move(part));
}

// cpp-httplib keeps the parts of a multipart form in `files`, from 0.23 on in `form`.
template <class Request>
void add_part(Request& req, const std::string& name, const std::string& filename,
              const std::string& content_type, std::string_view content) {
  if constexpr (requires { req.files; }) {
    add_to(req.files, name, filename, content_type, content);
  } else if (filename.empty()) {
    add_to(req.form.fields, name, filename, content_type, content);
  } else {
    add_to(req.form.files, name, filename, content_type, content);
  }
}

// Parses one part: header lines, an empty line, the content.
bool read_part(std::string_view part, httplib::Request& req) {
  std::string name;
  std::string filename;
  std::string content_type;
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
      name = parameter_of(value, "name");
      filename = parameter_of(value, "filename");
    } else if (equals_ignoring_case(line.substr(0, colon), "Content-Type")) {
      content_type = value;
    }
  }
  if (name.empty()) {
    return false;
  }
  add_part(req, name, filename, content_type, part);
  return true;
}

form_is read_multipart(std::string_view body, const std::string& boundary, httplib::Request& req) {
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
  for (std::size_t fields = 0; body.substr(0, 2) != "--"; ++fields) {
    if (fields == most_form_fields) {
      return form_is::too_many_fields;
    }
    const auto end = body.find(next);
    if (body.substr(0, 2) != "\r\n" || end == std::string_view::npos || end < 2 ||
        !read_part(body.substr(2, end - 2), req)) {
      return form_is::malformed;
    }
    body.remove_prefix(end + next.size());
  }
  return form_is::read;
}

}  // namespace

form_is read_form(httplib::Request& req) {
  const auto type = req.get_header_value("Content-Type");
  const auto media = trimmed(std::string_view(type).substr(0, type.find(';')));
  if (equals_ignoring_case(media, "multipart/form-data")) {
    return read_multipart(req.body, parameter_of(type, "boundary"), req);
  }
  if (!equals_ignoring_case(media, "application/x-www-form-urlencoded")) {
    return form_is::none;
  }
  std::size_t fields = 0;
  const bool all = for_each_parameter(req.body, [&](std::string name, std::string value) {
    req.params.emplace(std::move(name), std::move(value));
    return ++fields <= most_form_fields;
  });
  return all ? form_is::read : form_is::too_many_fields;
}

}  // namespace hangup::http
