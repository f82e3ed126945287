// What another replica answers, read as what a stranger has sent: only the members that the pages
// of this program have, each of its own type. All else is passed over without being kept, and what
// could be none of theirs ends the reading: it is too deep, or a list is too long.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace hangup::server {

// Whose answer it is.
enum class peer_page : std::uint8_t {
  in_flight,  // GET /requests
  ended,      // GET /requests/ended
  end_many,   // DELETE /requests
  end_one,    // DELETE /requests/{number}
  why_not,    // of any of them: a problem (RFC 9457)
};

// The most entries of a list.
inline constexpr std::size_t most_peer_entries = 1000;

struct peer_json {
  nlohmann::ordered_json members = nlohmann::ordered_json::object();  // {}: something is wrong
  std::string wrong{};  // "in_flight[].number is no whole number"; empty: nothing is
};

peer_json read_peer_json(std::string_view text, peer_page of);

}  // namespace hangup::server
