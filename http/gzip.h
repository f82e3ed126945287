// Compression of answers that are whole in memory, for routes that ask for it (route::compress).
// gzip only: every client has it, and at a low level it costs little. Not for users.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "context/context.h"

namespace hangup::http {

// Does a client that says so take gzip, and not rather the bytes as they are? `accept_encoding` is
// the whole list, of all lines (RFC 9110 12.5.3).
bool takes_gzip(std::string_view accept_encoding);

// The text as a gzip file. Nothing if the context ends meanwhile, which it looks at every 64 KiB,
// or if there is no memory for it.
std::optional<std::string> gzipped(const context& ctx, std::string_view text);

}  // namespace hangup::http
