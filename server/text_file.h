// A file of the configuration, or a secret, as one text.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>

namespace hangup::server {

// std::errc::file_too_large beyond `most` bytes; std::errc::timed_out if it is a pipe whose end
// does not come in time, or that nobody writes to; else the system's error.
std::error_code read_text_file(const std::string& path, std::size_t most, std::string& to,
                               std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace hangup::server
