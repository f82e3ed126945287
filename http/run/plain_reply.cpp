#include "hangup/http/detail/plain_reply.h"

#include <utility>

#include "http/run/form.h"
#include "http/run/reply_access.h"
#include "http/run/stream_type.h"
#include "http/wire/answer_head.h"
#include "http/wire/grammar.h"

namespace hangup::http::detail {

using access = reply_access;

read_fields fields_of(const request& req) {
  read_fields read;
  read.is_multipart = read_form(req, read.fields) == form_is::multipart;
  return read;
}

void add_line(reply& to, std::string_view name, std::string_view value) {
  if (!is_of_the_connection(name)) {
    append_header(name, value, access::lines(to));
  }
}

void set_text(reply& to, std::string body) {
  access::body(to) = std::move(body);
}

bool offers_bytes(std::string_view accept_ranges) noexcept {
  return equals_ignoring_case(accept_ranges, "bytes");
}

void set_length_for_head(reply& to, std::optional<std::uint64_t> length) {
  access::for_head(to) = length;
}

void set_stream(reply& to, producer produce) {
  access::set_stream(to, std::move(produce));
}

void set_stream(reply& to, std::uint64_t length, part_producer produce) {
  access::set_stream(to, length, std::move(produce));
}

type_of_stream type_of_stream_for(std::string_view content_type, std::string_view accept) {
  const auto type = stream_type_for(content_type, accept);
  return {std::string(type.name), type.varies, type.as_text};
}

}  // namespace hangup::http::detail
