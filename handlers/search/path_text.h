// Converts file paths to text and back. On Linux a path is a sequence of bytes, but JSON is
// Unicode. So a file whose name is not UTF-8 needs a text by which a client can ask for it.
#pragma once

#include <string>
#include <string_view>

namespace hangup::search {

// The path as UTF-8. Valid UTF-8 is unchanged. Every other byte becomes one private-use character,
// U+EF80 for 0x80 to U+EFFF for 0xFF. The bytes of a character that is itself in this range are
// converted as well, so different paths have different texts. (This is the mapping of MirBSD's
// OPTU-8.)
std::string text_of_path(std::string_view path);

// The path that has this text. Bytes that are not UTF-8 are unchanged, so a client may also send
// the path itself, unless it contains the characters above.
std::string path_of_text(std::string_view text);

}  // namespace hangup::search
