// What SQLite's result codes mean for a query: the one table.
#pragma once

#include "handlers/query/database.h"

namespace hangup::query {

struct sqlite_meaning {
  int code;  // extended; or a primary one, for all of its extended ones that have no line
  errc ec;
  bool fit = true;              // the connection is as good as before
  bool by_value = false;        // at a step it may be the value of an argument
  const char* words = nullptr;  // for whoever runs the server; null: SQLite's own
};

// errc::failed, and not fit, for a code that is in no line of the table.
const sqlite_meaning& meaning_of(int code) noexcept;

}  // namespace hangup::query
