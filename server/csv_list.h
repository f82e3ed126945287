// A list as CSV (RFC 4180), sent while it is made, of the same entries as handlers/json_list.h.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "handlers/query/row_format.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace hangup::server {

// Whether Accept names text/csv, and does not prefer application/json to it.
bool wants_csv(const http::request& req);

// The first line has the names of the columns. A member that an entry does not have, or that is
// null, is an empty field.
//
// Parts of the text come from clients, and people open such files with a spreadsheet, which takes a
// field that begins with = + - or @ for a formula. So a text that begins like that, or with a tab
// or CR, gets an apostrophe in front. Numbers are left alone.
class csv_list {
 public:
  csv_list(http::body_writer& to, std::vector<std::string> columns);

  // As those of handlers::json_list.
  std::error_code add(const context& ctx, const nlohmann::ordered_json& entry);
  std::error_code finish(const context& ctx);

 private:
  http::body_writer& to_;
  const std::vector<std::string> columns_;
  query::row_format format_{query::format::csv};
  std::string text_;
};

}  // namespace hangup::server
