// The HTTP route of the file search.
#pragma once

#include <cstdint>
#include <memory>

#include "handlers/search/search_root.h"
#include "hangup/http/route.h"

namespace hangup::handlers {

// GET ?pattern=P[&path=DIR][&regex=1][&max_matches=N]: searches the files below the root. Streams
// one JSON line per matching line ({"path","line","text"}), then one summary line
// ({"summary":...}). Matches are sent as they are found, many at a time if there are many. Paths
// are converted to text and back as in path_text.h, so every file can be named. `most_matches` is
// the maximum and the default of N. As soon as the context ends, the search stops, closes its files
// and releases its lock.
http::handler search(std::shared_ptr<const search::root> files, std::uint64_t most_matches);

}  // namespace hangup::handlers
