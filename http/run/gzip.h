// Compression of answers that are complete in memory, for routes that ask for it (route::compress).
// Only gzip: every client supports it, and at a low level it costs little. Not for users.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hangup/context/context.h"

namespace hangup::http {

// Whether the client accepts gzip and does not prefer the uncompressed bytes. `accept_encoding` is
// the complete list, of all header lines (RFC 9110 12.5.3).
bool takes_gzip(std::string_view accept_encoding);

// The text in gzip format. Empty if there is no memory, or if the context ends meanwhile; it is
// checked every 64 KiB.
std::optional<std::string> gzipped(const context& ctx, std::string_view text);

}  // namespace hangup::http
