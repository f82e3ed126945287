// A file of the configuration, or a secret, as one text.
#pragma once

#include <cstddef>
#include <string>
#include <system_error>

namespace hangup::server {

// std::errc::file_too_large beyond `most` bytes, else the system's error.
std::error_code read_text_file(const std::string& path, std::size_t most, std::string& to);

}  // namespace hangup::server
