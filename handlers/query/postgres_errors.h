// The meaning of PostgreSQL's errors for a query, by SQLSTATE, in one table.
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

// Returns errc::failed for a state that is not in the table.
errc meaning_of(std::string_view sql_state) noexcept;

// Empty if the error is libpq's own.
std::string_view sql_state(const PGresult& error) noexcept;

// The statement that an error refers to.
struct asked_statement {
  const report* what = nullptr;            // null: a statement of this program itself
  std::vector<std::string> values;         // the values of its parameters, as sent
  std::chrono::milliseconds limit{0};      // the session's statement_timeout; 0: none
  std::chrono::milliseconds has_taken{0};  // since it was sent
};

// The meaning of the error for that statement. `why` is the server's primary message and the
// SQLSTATE in one line, or a text for the operator. For errc::bad_argument it is for the client: it
// names the parameter, or all parameters if PostgreSQL does not tell which. It contains the
// server's message only if the server was reading a parameter, or says nothing but what is listed
// in the source and the client's own input: any other message might show data of a row.
std::error_code meaning_of(const PGresult& error, const asked_statement& of, std::string& why);

}  // namespace hangup::query
