// A page that is a list in JSON, written while it is made: what it costs in memory is one entry and
// a piece, however long it is.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <system_error>

#include "http/reply.h"

namespace hangup::handlers {

// {"first": 1, "NAME": [...]}, as a whole would be if it were dumped with two spaces. In ASCII: an
// operator reads it in a terminal, and strangers have written parts of it.
class json_list {
 public:
  // `first`: the members before the list, an object.
  json_list(http::body_writer& to, const nlohmann::ordered_json& first, std::string_view name);

  // What http::body_writer::write() returns: the first error ends the page.
  std::error_code add(const context& ctx, const nlohmann::ordered_json& entry);
  std::error_code finish(const context& ctx);

 private:
  http::body_writer& to_;
  std::string text_;
  bool empty_ = true;
};

// A text from a stranger in a page: cut after 256 bytes, with how many there were.
std::string shortened(std::string_view text, std::size_t bytes);
inline constexpr std::size_t shown_bytes = 256;

}  // namespace hangup::handlers
