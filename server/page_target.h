// The target of a page with its parameters, percent-encoded: "/requests?limit=2&after=7".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hangup::server {

class page_target {
 public:
  explicit page_target(std::string_view path) : text_(path) {}

  void add(std::string_view name, std::string_view value);
  void add(std::string_view name, std::uint64_t value) { add(name, std::to_string(value)); }
  const std::string& text() const noexcept { return text_; }

 private:
  void append(std::string_view text);

  std::string text_;
};

}  // namespace hangup::server
