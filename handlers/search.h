// The file search, over HTTP.
#pragma once

#include <cstdint>
#include <memory>

#include "handlers/search_root.h"
#include "http/route.h"

namespace hangup::handlers {

// GET ?pattern=P[&path=DIR][&regex=1][&max_matches=N]: searches the files below the root and
// streams one JSON line per matching line ({"path","line","text"}), then one summary line
// ({"summary":...}). Matches go out as they are found, many at once where there are many. A path is
// shown as text (path_text.h), and taken back so, whatever its bytes.
// `most_matches` bounds N and is its default. Stops, closes its files and releases its lock the
// moment the context ends.
http::handler search(std::shared_ptr<const search::root> files, std::uint64_t most_matches);

}  // namespace hangup::handlers
