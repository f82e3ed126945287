// Parses and checks the head of a request (RFC 9112). A head that is accepted has only one
// interpretation: lines end in CRLF, names are tokens, it is for one host, and the length of the
// body is given at most once and in one way. Everything that is counted has a limit. Pure functions
// of their input; fuzzed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hangup/http/head_limits.h"
#include "hangup/http/limit.h"
#include "http/wire/grammar.h"

namespace hangup::http {

// Why a request is refused before it reaches a handler; the text is for the client.
struct refusal {
  int status = 0;
  std::string detail;
  limit over = limit::none;  // the limit that was reached, if any
  std::string headers{};     // further headers of the answer, as lines that end in CRLF
};

// A refusal with 431 for `line_bytes`, `headers` or `head_bytes`, in a head or in the trailers of a
// body.
refusal over_limit(limit which, const head_limits& limits);

// What the server needs to know of a head. The views point into the bytes that it was read from.
struct request_head {
  std::size_t size = 0;  // of the head, including the empty line
  std::string_view method;
  std::string_view target;  // as sent
  std::string_view query;   // what follows the first '?', as sent
  // The path, percent-decoded and without the query. Otherwise it is as sent: "//", "/./" and
  // "/../" are not resolved. An encoded slash does not separate segments (RFC 3986 2.2), so it
  // stays "%2F". "*" means the server itself (OPTIONS).
  std::string path;
  bool encoded = false;  // the path has percent-encodings in the target
  bool http_1_1 = true;  // or a later 1.x, which is answered like 1.1 (RFC 9110 2.5)
  bool keep_alive = true;
  bool expects_continue = false;
  bool chunked = false;
  std::uint64_t content_length = 0;
  std::string_view traceparent;  // empty if absent or given more than once
  std::string tracestate;        // all lines, as one list
  std::string_view request_id;   // the value of X-Request-Id; empty if absent or unusable
  // How long the client will wait at most: the smaller of X-Request-Timeout-Ms (at most one) and
  // the first Prefer: wait=seconds (RFC 7240 4.3). A preference that cannot be met is ignored.
  std::optional<std::chrono::milliseconds> patience;
  // As sent, except that Host is the authority of a target in absolute form (RFC 9112 3.2.2).
  std::vector<std::pair<std::string_view, std::string_view>> headers;

  bool has_body() const noexcept { return chunked || content_length > 0; }
  // The value of the first header with this name (in any letter case); empty if absent.
  std::string_view header(std::string_view name) const noexcept;
};

enum class head_is { incomplete, whole, refused };

// Parses the head at the beginning of `bytes`, after any empty lines. Returns `incomplete` only
// while more bytes could complete it: a head that exceeds a limit is refused at once.
head_is read_head(std::string_view bytes, const head_limits& limits, request_head& head,
                  refusal& why);

// How many bytes of empty lines (CRLF) come before a request; a server may skip them (RFC 9112
// 2.2).
std::size_t leading_empty_lines(std::string_view bytes) noexcept;

}  // namespace hangup::http
