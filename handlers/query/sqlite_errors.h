// The meaning of SQLite's result codes for a query, in one table.
#pragma once

#include <string_view>

#include "handlers/query/database.h"

namespace hangup::query {

struct sqlite_meaning {
  int code;  // an extended code; or a primary one, for all its extended codes not listed
  errc ec;
  bool fit = true;              // whether the connection can still be used
  bool by_value = false;        // if it occurs at a step, an argument may be the reason
  const char* words = nullptr;  // for the operator; null: SQLite's own text
};

// Returns errc::failed, and not fit, for a code that is not in the table.
const sqlite_meaning& meaning_of(int code) noexcept;

// Whether a reason is SQLite's text for a file that is damaged or not a database.
bool says_damaged(std::string_view why) noexcept;

}  // namespace hangup::query
