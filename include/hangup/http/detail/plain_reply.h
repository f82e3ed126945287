// What the wrapper of cpp-httplib's handlers (httplib_call.h) needs of the compiled library. There
// are no types of cpp-httplib here: the wrapper is compiled with the program's own. Not for users.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hangup/http/form.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

#pragma GCC visibility push(default)

namespace hangup::http::detail {

// The fields of the form in the body, as form_of() gives them. `is_multipart`: they are parts of
// multipart/form-data. Throws as form_of() does.
struct read_fields {
  std::vector<form_field> fields;
  bool is_multipart = false;
};
read_fields fields_of(const request& req);

// Adds a header line. One that the connection sets itself, or whose name is not a token, is left
// out; control characters in its value become spaces.
void add_line(reply& to, std::string_view name, std::string_view value);
// The body, without saying anything about it.
void set_text(reply& to, std::string body);
// Whether this list of ranges (the value of Accept-Ranges) offers bytes.
bool offers_bytes(std::string_view accept_ranges) noexcept;
// The Content-Length of an answer to HEAD that has no body.
void set_length_for_head(reply& to, std::optional<std::uint64_t> length);
// A stream whose content type is that which the headers say, and no other.
void set_stream(reply& to, producer produce);
void set_stream(reply& to, std::uint64_t length, part_producer produce);

// The content type that reply::stream() sends, and the headers that go with it.
struct type_of_stream {
  std::string name;
  bool varies = false;   // Vary: Accept
  bool as_text = false;  // X-Content-Type-Options: nosniff
};
type_of_stream type_of_stream_for(std::string_view content_type, std::string_view accept);

}  // namespace hangup::http::detail

#pragma GCC visibility pop
