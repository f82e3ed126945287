#include "server/page_target.h"

#include "http/wire/grammar.h"

namespace hangup::server {

void page_target::add(std::string_view name, std::string_view value) {
  text_.push_back(text_.find('?') == std::string::npos ? '?' : '&');
  append(name);
  text_.push_back('=');
  append(value);
}

void page_target::append(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    if (http::is_alphanumeric(c) || std::string_view("-._~/").find(c) != std::string_view::npos) {
      text_.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      text_.append("%").append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
    }
  }
}

}  // namespace hangup::server
