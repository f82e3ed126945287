// The Range header (RFC 9110 14), as far as it is supported: one range of bytes. A pure function.
#pragma once

#include <cstdint>
#include <string_view>

namespace hangup::http {

struct byte_range {
  enum class kind {
    ignored,  // another unit, several ranges, or malformed: the whole is sent
    beyond,   // nothing of it exists: 416
    part,
  };
  kind is = kind::ignored;
  std::uint64_t first = 0;
  std::uint64_t length = 0;
};

// Which part the value of a Range header selects, of something that has `whole` bytes.
byte_range read_range(std::string_view value, std::uint64_t whole) noexcept;

}  // namespace hangup::http
