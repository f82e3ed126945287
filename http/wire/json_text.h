// A text as a JSON string (RFC 8259), with its quotes. The result is ASCII, because people read it
// on a terminal, and parts of the text come from clients: everything else is escaped. Bytes that
// are not UTF-8 become U+FFFD. Pure; takes time proportional to the length of the text.
#pragma once

#include <string>
#include <string_view>

namespace hangup::http {

std::string json_text(std::string_view text);

}  // namespace hangup::http
