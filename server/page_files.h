// The files of server/page/, which are a part of the program. Their source is made by
// cmake/embed.cmake.
#pragma once

#include <span>
#include <string_view>

namespace hangup::server {

struct page_file {
  std::string_view name;  // "page.css"
  std::string_view tag;   // of its bytes, with quotes, as an ETag is
  std::string_view text;
};

std::span<const page_file> page_files() noexcept;

}  // namespace hangup::server
