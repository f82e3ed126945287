// What PostgreSQL's errors mean for a query, by their SQLSTATE: the one table.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <libpq-fe.h>

#include "handlers/query/database.h"
#include "handlers/query/report.h"

namespace hangup::query {

// errc::failed for a state that is in no line of the table.
errc meaning_of(std::string_view sql_state) noexcept;

// "" if libpq has made the error itself.
std::string_view sql_state(const PGresult& error) noexcept;

// The statement that an error is about.
struct asked_statement {
  const report* what = nullptr;            // null: one of our own
  std::vector<std::string> values;         // of its parameters, as they were sent
  std::chrono::milliseconds limit{0};      // the session's statement_timeout; 0: none
  std::chrono::milliseconds has_taken{0};  // since it was sent
};

// What the error means for that statement, and `why`: the server's primary message and the
// SQLSTATE, one line, or words for whoever runs the server. Of errc::bad_argument it is for the
// client: it names the parameter, or all of them if PostgreSQL does not tell which, and has the
// server's message only if that speaks of nothing but what the client has given, as it may as well
// speak of a row.
std::error_code meaning_of(const PGresult& error, const asked_statement& of, std::string& why);

}  // namespace hangup::query
