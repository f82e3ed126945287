// Finds the end of a request's body (RFC 9112 6 and 7.1), and which of its bytes are data, while
// the body is read. The grammar of chunks is strict: sizes are plain hexadecimal numbers and lines
// end in CRLF. Chunk extensions and trailers are read and discarded. Everything that is counted has
// a limit. A pure function of its input; fuzzed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/wire/head.h"

namespace hangup::http {

class body_scan {
 public:
  enum class result { more, complete, malformed, too_large, trailers_too_large };

  // The most bytes of leading zeros and extensions in the line before a chunk; more is malformed.
  static constexpr unsigned most_ignored = 256;

  body_scan() = default;  // no body: complete from the start
  // `largest` limits the data, without the framing.
  static body_scan of_length(std::uint64_t length, std::uint64_t largest) noexcept;
  // The trailers have the limits of a head.
  static body_scan of_chunks(std::uint64_t largest, const head_limits& trailers = {}) noexcept;

  // Processes the bytes that come next. Returns how many of them belong to the body and its
  // framing: all of them, until the body is complete or refused. Calls `on_data` with each run of
  // data, in order and never empty. An exception that `on_data` throws leaves this function; the
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
  // Why the body is refused: 400, 413 or 431.
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
  unsigned digits_ = 0;        // of the chunk size that is being read, without leading zeros
  unsigned ignored_ = 0;       // of this line: leading zeros and extensions
  std::size_t line_ = 0;       // bytes of this trailer line
  std::size_t trailers_ = 0;   // bytes of all trailer lines
  std::size_t lines_ = 0;      // how many trailer lines
  std::uint64_t left_ = 0;     // of the data that is being read
  std::uint64_t budget_ = 0;   // how much more data may be announced
  std::uint64_t largest_ = 0;  // how much data the body may have in all
  head_limits within_{};       // the limits of the trailers
};

}  // namespace hangup::http
