// What another replica answers. Whatever the bytes: no crash, and what is kept of it are the
// members of a page, no deeper and no longer than those are; or the reading says in a line what is
// wrong, and keeps nothing. The first byte says whose answer it is.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "server/peer_json.h"

using namespace hangup::server;
using json = nlohmann::ordered_json;

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// An object of the page, one in its list, and `by` in that.
void check_object(const json& of, int levels_left) {
  require(of.is_object() && levels_left > 0 && of.size() <= 14);
  for (const auto& [name, value] : of.items()) {
    require(name != "replica" && name != "error" && name != "key");
    require(name != "number" || value.is_number_unsigned());
    if (value.is_array()) {
      require(value.size() <= most_peer_entries);
      for (const auto& one : value) {
        require(one.contains("number"));
        check_object(one, levels_left - 1);
      }
    } else if (value.is_object()) {
      check_object(value, levels_left - 1);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const auto page = static_cast<peer_page>(data[0] % 5);
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto read = read_peer_json(text, page);
  check_object(read.members, 3);
  if (!read.wrong.empty()) {
    require(read.members.empty() && read.wrong.size() < 128);
    require(std::all_of(read.wrong.begin(), read.wrong.end(),
                        [](char c) { return c >= 0x20 && c < 0x7f; }));
    return 0;
  }
  // Read again, it is the same.
  const auto again = read_peer_json(read.members.dump(), page);
  require(again.wrong.empty() && again.members == read.members);
  return 0;
}
