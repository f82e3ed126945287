// Standard input, output and error of a process: others have given them to us, share them, and may
// not read what we write.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>
#include <system_error>

#include "context/context.h"

namespace hangup::server {

// Opens those of the descriptors 0, 1 and 2 that are not open on /dev/null: else the first socket
// or database would be one of them, and be written to. False if that cannot be. Before anything
// opens a descriptor.
bool open_missing_streams() noexcept;

// Writes the text, and returns how many bytes of it. It waits while whoever reads takes nothing: as
// long as `patience` for each 4 KiB, and not beyond the end of the context. Fewer bytes: that was
// over, or nobody reads any more, or the system has refused it. No flag of the descriptor is
// changed, since whoever shares it would see that. A disk cannot be waited for like this: a write
// to a file takes as long as it takes. SIGPIPE must be ignored. Thread-safe.
std::size_t write_text(const context& ctx, int fd, std::string_view text,
                       std::chrono::milliseconds patience) noexcept;

// A last word to standard output or error: waits for a second at most. Empty: all is written;
// std::errc::timed_out: nobody reads it; else the system's error, such as that of a full disk.
std::error_code write_last(int fd, std::string_view text) noexcept;

}  // namespace hangup::server
