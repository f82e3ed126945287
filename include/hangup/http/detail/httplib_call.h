// One call of a handler of cpp-httplib: the request that it gets, and its response made a reply.
// All of it is compiled with the program's own cpp-httplib, so it is in a header. Not for users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "hangup/http/context_of.h"
#include "hangup/http/detail/plain_reply.h"
#include "hangup/http/httplib.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace hangup::http::detail {

// Keeps header lines with the same name in order. Some versions of cpp-httplib store headers in a
// hash table, which would insert a third line between the first two without a hint.
template <class Headers>
void add(Headers& to, std::string_view name, std::string_view value) {
  std::string key(name);
  if constexpr (requires { typename Headers::hasher; }) {
    auto behind = to.end();
    for (auto [line, last] = to.equal_range(key); line != last; ++line) {
      behind = line;
    }
    to.emplace_hint(behind, std::move(key), value);
  } else {
    to.emplace(std::move(key), value);
  }
}

// Adds to a map of cpp-httplib; the other members of its values differ between versions.
template <class Parts>
void add_to(Parts& parts, form_field&& f) {
  typename Parts::mapped_type part;
  part.name = f.name;
  part.content = std::move(f.value);
  if constexpr (requires { part.filename; }) {
    part.filename = std::move(f.filename);
    part.content_type = std::move(f.content_type);
  }
  parts.emplace(std::move(f.name), std::move(part));
}

// cpp-httplib keeps the parts of a multipart form in `files`, from 0.23 on in `form`.
template <class Request>
void add_part(Request& req, form_field&& f) {
  if constexpr (requires { req.files; }) {
    add_to(req.files, std::move(f));
  } else if (f.filename.empty()) {
    add_to(req.form.fields, std::move(f));
  } else {
    add_to(req.form.files, std::move(f));
  }
}

// cpp-httplib 0.14 and later have the segments of a path that have a name.
template <class Request>
void add_segment(Request& to, const request& from) {
  if constexpr (requires { to.path_params; }) {
    if (!from.path_parameter_name().empty()) {
      to.path_params.emplace(from.path_parameter_name(), from.path_parameter());
    }
  }
}

// For context_of(), and for what cpp-httplib 0.18.5 and later offer to handlers.
template <class Request>
void let_it_ask(Request& req, const context& ctx) {
  req.response_handler = kept_context{ctx, nullptr};
  if constexpr (requires { req.is_connection_closed; }) {
    req.is_connection_closed = [ctx] { return ctx.done(); };
  }
}

// The functions that a sink has in addition to write(); they differ between versions of
// cpp-httplib.
template <class Sink, class Done, class Alive>
void set_rest(Sink& sink, Done done, Alive alive) {
  sink.done = done;
  if constexpr (requires { sink.done_with_trailer; }) {
    sink.done_with_trailer = [done](const httplib::Headers&) { done(); };  // trailers are not sent
  }
  if constexpr (requires { sink.is_writable; }) {
    sink.is_writable = alive;
  }
}

// The length that a handler has set for an answer to HEAD, for which it need not make a body.
inline std::optional<std::uint64_t> length_for_head(const httplib::Response& res) {
  const auto announced = res.get_header_value("Content-Length");
  const bool number = !announced.empty() && announced.size() < 20 &&
                      announced.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::optional(std::stoull(announced)) : std::nullopt;
}

// All header lines with this name as one list (RFC 9110 5.3); empty if there is none.
template <class Headers>
std::string joined(const Headers& headers, const std::string& name) {
  std::string list;
  const auto [first, last] = headers.equal_range(name);
  for (auto line = first; line != last; ++line) {
    list.append(list.empty() ? "" : ", ").append(line->second);
  }
  return list;
}

// Both live until the content provider, which may refer to them, has returned.
struct httplib_call {
  httplib::Request req;
  httplib::Response res;
};

// Runs the content provider until it has made the bytes [at, end), or, without a length, until it
// says that it is done.
inline std::error_code provide(httplib_call& of, const context& ctx, body_writer& out,
                               std::uint64_t at, std::optional<std::uint64_t> end) {
  bool done = false;
  std::error_code ec;
  httplib::DataSink sink;
  sink.write = [&](const char* piece, std::size_t size) {
    if (done || ec) {
      return false;
    }
    ec = out.write(ctx, {piece, size});
    at += size;
    return !ec;
  };
  set_rest(
      sink, [&] { done = true; }, [&] { return !ec && !ctx.done(); });
  while (end ? at < *end : !done) {
    if (ctx.done()) {
      return ctx.err();
    }
    const bool goes_on = of.res.content_provider_(
        static_cast<std::size_t>(at), static_cast<std::size_t>(end ? *end - at : 0), sink);
    if (ec || !goes_on) {
      return ec ? ec : std::make_error_code(std::errc::io_error);
    }
  }
  of.res.content_provider_success_ = true;
  return {};
}

inline void set_provider(std::shared_ptr<httplib_call> of, reply& to) {
  auto& res = of->res;
  // A provider without a length produces pieces until it reports that it is done.
  if (!res.is_chunked_content_provider_ && res.content_length_ > 0) {
    const std::uint64_t length = res.content_length_;
    set_stream(to, length,
               [of = std::move(of)](const context& ctx, body_writer& out, std::uint64_t first,
                                    std::uint64_t bytes) {
                 return provide(*of, ctx, out, first, first + bytes);
               });
  } else {
    set_stream(to, [of = std::move(of)](const context& ctx, body_writer& out) {
      return provide(*of, ctx, out, 0, std::nullopt);
    });
  }
}

// Copies the head of the request: header values as sent, decoded query parameters, and the
// addresses in their members. (Up to version 0.27 cpp-httplib also puts the addresses among the
// headers, where a header sent by the client could be taken for them.)
inline void fill_head(httplib::Request& to, const request& from) {
  to.method = from.method();
  to.target = from.target();
  to.path = from.path();
  to.version = from.is_http_1_0() ? "HTTP/1.0" : "HTTP/1.1";
  to.remote_addr = from.remote_address();
  to.remote_port = from.remote_port();
  to.local_addr = from.local_address();
  to.local_port = from.local_port();
  for (const auto& [name, value] : from.headers()) {
    add(to.headers, name, value);
  }
  for (const auto& [name, value] : from.parameters()) {
    to.params.emplace(name, value);
  }
}

// Copies the request, with its body and decoded form fields. Throws as form_of() does.
inline void fill(httplib::Request& to, const request& from) {
  fill_head(to, from);
  add_segment(to, from);
  to.body = from.body();
  auto form = fields_of(from);
  for (auto& f : form.fields) {
    if (form.is_multipart) {
      add_part(to, std::move(f));
    } else {
      to.params.emplace(std::move(f.name), std::move(f.value));
    }
  }
}

// The status, the headers and the body of the response, but not its content provider. Throws
// std::invalid_argument for a status that cannot be sent.
inline void take_over(httplib::Response& from, const request& req, reply& to) {
  if (from.status != -1) {
    to.status(from.status);
  }
  for (const auto& [name, value] : from.headers) {
    add_line(to, name, value);
  }
  if (offers_bytes(from.get_header_value("Accept-Ranges"))) {
    to.offer_ranges();
  }
  if (req.method() == "HEAD") {
    set_length_for_head(to, length_for_head(from));
  }
  set_text(to, std::move(from.body));
}

}  // namespace hangup::http::detail
