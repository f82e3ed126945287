// What the file search may read, opened: the folder of the configuration, without what is the
// server's own.
#pragma once

#include <memory>
#include <string>

#include "context/context.h"
#include "handlers/own_files.h"
#include "handlers/search_root.h"
#include "server/flags.h"

namespace hangup::server {

// The configuration file, the files that environment variables have named, certificates and keys,
// the databases with what SQLite writes beside them, and what libpq reads (keys, password files).
search::own_files own_files_of(const launch& with);

// Opens search.root; makes it first if it is to be a sample and is not there, as
// open_databases() does. Null: there is none. Throws config_error, or canceled_error if the context
// ends while a sample is made.
std::shared_ptr<const search::root> open_search(const context& ctx, const launch& with,
                                                const search::own_files& own);

// Why there is no sample, in one line: "search.root: the sample texts ...".
std::string corpus_not_made(const std::string& root, const std::string& why);

}  // namespace hangup::server
