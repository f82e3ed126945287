// A strict parser for hand-written JSON, with readable messages.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "server/message_text.h"
#include "server/mistakes.h"

namespace hangup::server {

// Parses JSON as in RFC 8259: no comments, no duplicate keys, no NUL, at most 16 levels deep. The
// problem includes the place: `line 3, column 5: not JSON: unexpected "}"`, `listen.port: given
// twice`.
problem read_json(std::string_view text, nlohmann::json& out);

// The same, but a key that is given twice is added to `twice`, and the reading goes on: the last
// value holds.
problem read_json(std::string_view text, nlohmann::json& out, mistakes& twice);

// The keys of an object.
std::vector<std::string> names_in(const nlohmann::json& object);

}  // namespace hangup::server
