// Reads and vets a request's head (RFC 9112). What passes has one meaning only: lines end in CRLF,
// names are tokens, it is for one host, and the length of the body is said at most once and in one
// way. All that is counted is bounded. Pure functions of their bytes: fuzzed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/grammar.h"
#include "http/limit.h"

namespace hangup::http {

struct head_limits {
  std::size_t bytes = 16 * 1024;  // the whole head, with its empty line: 431
  std::size_t headers = 100;      // how many header lines: 431
  // One line, without its CRLF: 414 for the request line, 431 for a header. As all of these, it is
  // the most that passes.
  static constexpr std::size_t line = 8 * 1024;
};

// Why a request is refused before it reaches a handler, in words for the one who sent it.
struct refusal {
  int status = 0;
  std::string detail;
  limit over = limit::none;  // the bound that was run into, if it was one
  std::string headers{};     // what the answer says besides, as lines that end in CRLF
};

// For `line_bytes`, `headers` and `head_bytes`, of a head and of the trailers behind a body: 431.
refusal over_limit(limit which, const head_limits& limits);

// What we need to know of a head. The views point into the bytes it was read from.
struct request_head {
  std::size_t size = 0;  // of the head, with the empty line
  std::string_view method;
  std::string_view target;  // as sent
  std::string_view query;   // behind the first '?', as sent
  // Percent-decoded, without the query, and otherwise as sent: "//", "/./" and "/../" are no other
  // path. A slash that is encoded is not one that separates (RFC 3986 2.2): it stays "%2F", and so
  // a part of its segment. "*" for the server itself (OPTIONS).
  std::string path;
  bool encoded = false;  // there are percent-encodings in the path as it was sent
  bool http_1_1 = true;  // or a later 1.x, which is answered as 1.1 (RFC 9110 2.5)
  bool keep_alive = true;
  bool expects_continue = false;
  bool chunked = false;
  std::uint64_t content_length = 0;
  std::string_view traceparent;  // empty if absent, or there more than once
  std::string tracestate;        // all of them, as one list
  std::string_view request_id;   // the value of X-Request-Id, empty if absent or not sane
  // How long the client will wait at most: X-Request-Timeout-Ms, which is there once at most, or
  // Prefer: wait=seconds (RFC 7240 4.3), the first if there are several; the shorter of both. A
  // preference that cannot be met is ignored.
  std::optional<std::chrono::milliseconds> patience;
  // As sent; but Host is the authority of a target in absolute form (RFC 9112 3.2.2).
  std::vector<std::pair<std::string_view, std::string_view>> headers;

  bool has_body() const noexcept { return chunked || content_length > 0; }
  // The value of the first header of this name (case-insensitive), empty if absent.
  std::string_view header(std::string_view name) const noexcept;
};

enum class head_is { incomplete, whole, refused };

// Reads the head at the start of `bytes` (empty lines before it must have been skipped).
// `incomplete` only while more bytes could make it whole: a head over a limit is refused at once.
head_is read_head(std::string_view bytes, const head_limits& limits, request_head& head,
                  refusal& why);

// How many bytes of empty lines (CRLF) stand before a request: RFC 9112 2.2 lets a server skip
// them.
std::size_t leading_empty_lines(std::string_view bytes) noexcept;

}  // namespace hangup::http
