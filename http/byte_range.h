// The Range header (RFC 9110 14), as far as it is served: one range of bytes. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace hangup::http {

struct byte_range {
  enum class kind {
    ignored,  // another unit, several ranges, or not the grammar: the whole is the answer
    beyond,   // none of it is there: 416
    part,
  };
  kind is = kind::ignored;
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};

// The part of `whole` bytes that the value of a Range header asks for.
byte_range read_range(std::string_view value, std::uint64_t whole) noexcept;

}  // namespace hangup::http
