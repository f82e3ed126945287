// Standard input, output and error. They come from another process, which may share them and may
// not read what is written.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>
#include <system_error>

#include "hangup/context/context.h"

namespace hangup::server {

// Opens /dev/null as each of the descriptors 0, 1 and 2 that is not open. Otherwise the first
// socket or database would get such a number, and be written to. Returns false on failure. Must
// come before any descriptor is opened.
bool open_missing_streams() noexcept;

// The number of bytes that write_text() hands to the system at once: 4 KiB, because where poll(2)
// says that there is room, a pipe has room for so many, and a terminal mostly; 64 KiB for files and
// sockets.
std::size_t most_at_once(int fd) noexcept;

// Writes the text and returns how many bytes were written. While the reader takes nothing, it
// waits, up to `patience` for each most_at_once() and until the context ends. It returns less than
// the whole if that time is over, there is no reader any more, or the system refuses the write. The
// flags of the descriptor are not changed, because they are shared with other processes. A write to
// a disk cannot be limited in this way: it takes as long as it takes. SIGPIPE must be ignored.
// Thread-safe.
std::size_t write_text(const context& ctx, int fd, std::string_view text,
                       std::chrono::milliseconds patience) noexcept;

// Writes a final message to standard output or error; waits at most a second. Returns an empty
// error if all of it was written, std::errc::timed_out if nobody reads it, and otherwise the
// system's error, such as that of a full disk.
std::error_code write_last(int fd, std::string_view text) noexcept;

}  // namespace hangup::server
