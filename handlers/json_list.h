// A page that is a list in JSON, written while it is made: what it costs in memory is one entry and
// a piece, however long it is.
#pragma once

#include <algorithm>
#include <cstddef>
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

// Adds up to `limit` entries of `of`, newest first, each as `one(entry)`: of a store that numbers
// its entries, and whose newest_first(n, before) returns up to n of those below that number. It
// asks for a few at a time, so that the store is locked only briefly. Returns what add() does.
template <class Store, class One>
std::error_code add_newest_first(const context& ctx, json_list& page, const Store& of,
                                 std::size_t limit, One one) {
  constexpr std::size_t at_once = 64;
  auto before = Store::newest;
  while (limit > 0) {
    const auto some = of.newest_first(std::min(limit, at_once), before);
    if (some.empty()) {
      break;
    }
    for (const auto& entry : some) {
      if (const auto ec = page.add(ctx, one(entry))) {
        return ec;
      }
    }
    before = some.back().number;
    limit -= some.size();
  }
  return {};
}

// A text from a stranger in a page: cut after 256 bytes, with how many there were.
std::string shortened(std::string_view text, std::size_t bytes);
inline constexpr std::size_t shown_bytes = 256;

}  // namespace hangup::handlers
