// Opens what the file search may read: the configured folder, without the server's own files.
#pragma once

#include <memory>
#include <string>

#include "handlers/search/own_files.h"
#include "handlers/search/search_root.h"
#include "hangup/context/context.h"
#include "server/flags.h"

namespace hangup::server {

// The server's own files: the configuration file, the files named by environment variables,
// certificates and keys, the databases with the files that SQLite makes next to them, and the files
// that libpq reads (keys, password files).
search::own_files own_files_of(const launch& with);

// Opens search.root. If it is to be a sample and does not exist, it is made first, as in
// open_databases(). Null if no root is configured. Throws config_error, or canceled_error if the
// context ends while a sample is made.
std::shared_ptr<const search::root> open_search(const context& ctx, const launch& with,
                                                const search::own_files& own);

// The message if the root cannot be opened, in one line: "search.root: found ...".
std::string not_searchable(const std::string& root, const std::error_code& why);

// The message if a sample could not be made, in one line: "search.root: the sample texts ...".
std::string corpus_not_made(const std::string& root, const std::string& why);

}  // namespace hangup::server
