// A file of the configuration, or a secret, as one text.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "server/words.h"

namespace hangup::server {

// Reads a regular file of up to `most` bytes, or a pipe that the shell has made (`<(command)`,
// /dev/stdin) up to its end, which has to come in time. Anything else (a directory, a FIFO, a
// device, a socket) is refused without being read, as it may block for ever or have no end. What is
// wrong is said in words behind "cannot be read: ", such as "it is a FIFO".
problem read_text_file(const std::string& path, std::size_t most, std::string& to,
                       std::chrono::milliseconds patience = std::chrono::seconds(10));

// Is it UTF-16 or UTF-32, as some editors of Windows save text? Told by a byte order mark, or by a
// NUL among the first two bytes.
bool is_wide_text(std::string_view text) noexcept;

// A regular file is named by this path, or a name of one: "a FIFO", "a device", "a directory", "a
// socket". Empty for a regular file, and for what is not there.
std::string kind_of_special_file(const std::string& path);

}  // namespace hangup::server
