// Where a request's body ends (RFC 9112 6 and 7.1), and which of its bytes are data, found while it
// is read. The grammar of chunks is the strict one: sizes are plain hex, lines end in CRLF, trailers
// are refused. Pure: fuzzed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hangup::http {

class body_scan {
 public:
  enum class result { more, complete, malformed, too_large };

  body_scan() = default;  // no body: complete
  // `largest` bounds the body itself, not its framing.
  static body_scan of_length(std::uint64_t length, std::uint64_t largest) noexcept;
  static body_scan of_chunks(std::uint64_t largest) noexcept;

  // Looks at the bytes that come next, and answers how many of them belong to the body: all of
  // them, until it is complete or cannot be continued. What is data in them is added to `data`.
  std::size_t feed(std::string_view bytes, std::string* data = nullptr);

  result state() const noexcept { return result_; }
  bool complete() const noexcept { return result_ == result::complete; }
  bool refused() const noexcept {
    return result_ == result::malformed || result_ == result::too_large;
  }

 private:
  enum class at { data, size, extension, size_lf, data_cr, data_lf, end_cr, end_lf };

  bool next(char c) noexcept;
  bool fail(result why) noexcept;

  result result_ = result::complete;
  at at_ = at::data;
  bool chunked_ = false;
  int digits_ = 0;            // of the chunk size being read
  int extension_ = 0;         // bytes of chunk extensions, bounded
  std::uint64_t left_ = 0;    // of the data being read
  std::uint64_t budget_ = 0;  // how much data may still be announced
};

}  // namespace hangup::http
