// Reads a configuration file or a secret as one text.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "server/message_text.h"

namespace hangup::server {

// Reads a regular file of up to `most` bytes, or a pipe made by the shell (`<(command)`,
// /dev/stdin) up to its end, which must come in time. Anything else (a directory, a FIFO, a device,
// a socket) is refused without being read, because it may block for ever or have no end. The
// problem is a text that follows "cannot be read: ", such as "it is a FIFO".
problem read_text_file(const std::string& path, std::size_t most, std::string& to,
                       std::chrono::milliseconds patience = std::chrono::seconds(10));

// Whether the text is UTF-16 or UTF-32, in which some Windows editors save files. It is recognised
// by a byte order mark, or by a NUL among the first two bytes.
bool is_wide_text(std::string_view text) noexcept;

// What kind of file a path refers to, if it exists and is not a regular file: "a FIFO", "a device",
// "a directory", "a socket". Otherwise empty.
std::string kind_of_special_file(const std::string& path);

}  // namespace hangup::server
