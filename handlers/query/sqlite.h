// The SQLite engine: one database file, read over a pool of connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "handlers/query/database.h"

namespace hangup::query {

struct sqlite_options {
  std::string file;                   // opened when a query needs it; never created
  std::size_t connections = 4;        // queries at a time
  std::size_t spare_connections = 0;  // additional ones, for clients that have none
  // How long to wait for a connection, and again for a lock.
  std::chrono::milliseconds patience{2000};
  // The most bytes of a temporary file for a sort; a query may make two of them.
  std::uint64_t temporary = std::uint64_t{1} << 30U;
};

// Never fails: if the file is missing, locked or not a database, each query gets that error until
// it is usable. If the file is replaced by another, the next query notices it.
std::unique_ptr<database> open_sqlite(sqlite_options how);

}  // namespace hangup::query
