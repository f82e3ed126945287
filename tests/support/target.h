// The target of a request, from its parameters as they are meant.
#pragma once

#include <string>
#include <string_view>

namespace hangup::test {

// Everything but letters and digits is percent-encoded.
inline std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back("0123456789ABCDEF"[byte / 16]);
      out.push_back("0123456789ABCDEF"[byte % 16]);
    }
  }
  return out;
}

// "/?a=1&b=2". `Parameters`: a range of pairs.
template <class Parameters>
std::string target_with(const Parameters& all) {
  std::string target = "/";
  for (const auto& [name, value] : all) {
    target.append(target.size() == 1 ? "?" : "&").append(encoded(name));
    target.append("=").append(encoded(value));
  }
  return target;
}

}  // namespace hangup::test
