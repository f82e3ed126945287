// A JSON list that is sent while it is made. So however long the list is, it needs memory for only
// one entry and one piece of text.
#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <system_error>

#include "hangup/http/reply.h"

namespace hangup::handlers {

// Writes {"first": 1, "NAME": [...]}, formatted like dump(2) would format the whole. The output is
// ASCII, because operators read it on a terminal and parts of it come from clients.
class json_list {
 public:
  // `first`: an object with the members that come before the list.
  json_list(http::body_writer& to, const nlohmann::ordered_json& first, std::string_view name);

  // Returns the error of http::body_writer::write(), after which the page cannot be continued.
  std::error_code add(const context& ctx, const nlohmann::ordered_json& entry);
  std::error_code finish(const context& ctx);

 private:
  http::body_writer& to_;
  std::string text_;
  bool empty_ = true;
};

// Adds up to `limit` entries of a store to the page, newest first, each converted by `one`. The
// store must number its entries, and have a function newest_first(n, before) that returns up to n
// entries with a smaller number than `before`. It is asked for a few entries at a time, so that it
// holds its lock only briefly. Returns the error of json_list::add().
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

// Text from a client, shortened to 256 bytes; `bytes` is the original length, which is added if it
// was longer.
std::string shortened(std::string_view text, std::size_t bytes);
inline constexpr std::size_t shown_bytes = 256;

}  // namespace hangup::handlers
