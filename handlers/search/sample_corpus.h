// Files to try searches on: the letters and the log of an invented shop, about 20 MB. They are the
// same every time.
//
//   letters/2024-03/Lyon.txt    a month's letters of a city's customers: names, orders, complaints,
//                               and what they have been reading
//   log/2024-03-01.log          a day of the shop's server: a time, a level, a request, a line
//   odd/...                     a byte order mark, CRLF, Latin-1 (also in a name), UTF-16, no text
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <system_error>

#include "hangup/context/context.h"

namespace hangup::search {

// Makes the folder and its parents, unless it exists. It is written under another name
// (FOLDER.making) and renamed when it is complete, so an interrupted process leaves no partial
// folder. If several processes do this at once, one makes it and the others wait. A loss of power
// may damage it; then remove it. `progress` is called with increasing percentages from 0 to 100,
// but not if the folder exists. Takes a tenth of a second and 20 MB of disk space.
//
// Returns ctx.err() if the context ends first; otherwise the system's error.
std::error_code make_corpus(const context& ctx, const std::string& folder,
                            const std::function<void(unsigned)>& progress);

// What is wrong with a folder that is to be such a sample, in words: that it is not there, that
// there is nothing in it, or how many of the files are not there or empty. None: it is whole, or
// cannot be looked at, or has somebody else's files in it: none of the folders letters, log and
// odd. Looks at the names only, some 180 of them.
std::optional<std::string> corpus_fault(const std::string& folder);

}  // namespace hangup::search
