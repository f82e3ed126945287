// Where a request's body ends (RFC 9112 6 and 7.1), and which of its bytes are data, found while it
// is read. The grammar of chunks is the strict one: sizes are plain hex, lines end in CRLF. Chunk
// extensions and trailers are read, and thrown away. All that is counted is bounded. Pure: fuzzed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/head.h"

namespace hangup::http {

class body_scan {
 public:
  enum class result { more, complete, malformed, too_large, trailers_too_large };

  // Of the line before a chunk: so many bytes of leading zeros and extensions, more is malformed.
  static constexpr unsigned most_ignored = 256;

  body_scan() = default;  // no body: complete
  // `largest` bounds the data, not the framing.
  static body_scan of_length(std::uint64_t length, std::uint64_t largest) noexcept;
  // Trailers are bounded as a head is.
  static body_scan of_chunks(std::uint64_t largest, const head_limits& trailers = {}) noexcept;

  // Looks at the bytes that come next, and answers how many of them belong to the body with its
  // framing: all of them, until it is complete or cannot be continued. Calls `on_data` with each
  // run of data among them, in their order and never empty. What it throws comes out of here; the
  // body cannot be continued then.
  template <class On>
  std::size_t feed(std::string_view bytes, On on_data) {
    std::size_t taken = 0;
    while (result_ == result::more && taken < bytes.size()) {
      const auto rest = bytes.substr(taken);
      if (at_ == at::data) {
        const auto n = data_in(rest.size());
        on_data(rest.substr(0, n));
        taken += n;
      } else if (next(rest.front())) {
        ++taken;
      }
    }
    return taken;
  }
  std::size_t feed(std::string_view bytes) noexcept {
    return feed(bytes, [](std::string_view) {});
  }

  result state() const noexcept { return result_; }
  bool complete() const noexcept { return result_ == result::complete; }
  bool refused() const noexcept { return result_ != result::complete && result_ != result::more; }
  // Why it is refused: 400, 413 or 431.
  refusal why() const;

 private:
  enum class at {
    data,
    size,
    before_extension,
    extension,
    size_lf,
    data_cr,
    data_lf,
    line,
    name,
    value,
    lf,
    end_lf
  };

  std::size_t data_in(std::size_t size) noexcept;
  bool next(char c) noexcept;
  bool size(char c) noexcept;
  bool trailer(char c) noexcept;
  bool go(bool fits, at to) noexcept;
  bool fail(result why, limit over = limit::none) noexcept;

  result result_ = result::complete;
  at at_ = at::data;
  limit over_ = limit::none;
  bool chunked_ = false;
  unsigned digits_ = 0;        // of the chunk size being read, without leading zeros
  unsigned ignored_ = 0;       // of this line: leading zeros and extensions
  std::size_t line_ = 0;       // bytes of this trailer line
  std::size_t trailers_ = 0;   // bytes of all trailer lines
  std::size_t lines_ = 0;      // how many trailer lines
  std::uint64_t left_ = 0;     // of the data being read
  std::uint64_t budget_ = 0;   // how much data may still be announced
  std::uint64_t largest_ = 0;  // how much there may be in all
  head_limits within_{};       // of the trailers
};

}  // namespace hangup::http
