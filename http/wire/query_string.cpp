#include "http/wire/query_string.h"

#include "http/wire/hex.h"

namespace hangup::http {

void append_form_decoded(std::string_view text, std::string& to) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      to.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      to.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
}

std::string form_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_form_decoded(text, out);
  return out;
}

}  // namespace hangup::http
