// SQLite, the embedded engine: a file, read by connections that are kept in a pool.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "handlers/query/database.h"

namespace hangup::query {

struct sqlite_options {
  std::string file;                          // looked for when a query comes, never made
  std::size_t connections = 4;               // queries at once,
  std::size_t spare_connections = 0;         // and so many more for clients who have none
  std::chrono::milliseconds patience{2000};  // for a connection, and again for a lock
  std::uint64_t temporary = std::uint64_t{1}
                            << 30U;  // bytes of a file for a sort, of which there may be two
};

// Never fails: a file that is missing, locked or no database is an error of each query, until it is
// there. A file that replaces the one that was opened is noticed by the next query.
std::unique_ptr<database> open_sqlite(sqlite_options how);

}  // namespace hangup::query
