// Paths of files as text, and back. A path on Linux is bytes, JSON is Unicode: a name that is not
// UTF-8 must not become one that cannot be asked for.
#pragma once

#include <string>
#include <string_view>

namespace hangup::search {

// The path as UTF-8. What is UTF-8 stays as it is. Each other byte becomes one character of the
// private use area, U+EF80 for 0x80 to U+EFFF for 0xFF, and so does each byte of a character that
// is one of those itself: so no two paths have the same text. (The mapping is that of MirBSD's
// OPTU-8, one byte, one character.)
std::string text_of_path(std::string_view path);

// The path that has this text. Bytes that are not UTF-8 stay as they are: who has the path itself
// may give it as well, but for the characters above.
std::string path_of_text(std::string_view text);

}  // namespace hangup::search
