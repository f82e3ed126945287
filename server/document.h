// The configuration before it is plain values: what the file says, over it the environment, over
// that the flags, and defaults where nobody says anything; with who said what.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "server/mistakes.h"

namespace hangup::server {

class schema;

// what() is a line for each mistake, which says where, what was found, and what is allowed:
//   config/server.json: listen.port: found 99999, allowed 0..65535
class config_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One setting from elsewhere, which replaces the file's: {"--port", "listen.port", "8081"}.
struct setting {
  std::string by;  // who says so, for the error: `--port: found "x", allowed an integer 0..65535`
  std::string key;
  std::string text;
  bool is_hidden = false;  // the text is not for errors, as it may be another than was meant
  std::string file{};      // where the text was read; empty: in none
};

inline constexpr auto built_in = "built-in defaults";  // the name of {}

struct document {
  nlohmann::json values;                    // complete: every key is there
  std::map<std::string, std::string> from;  // "listen.port" -> "--port"; defaults are not in it
};

// Whom to name for a problem ("search.root: ..."): the file, and of the settings those that are
// about the same key or one beside it. "config/server.json with HANGUP_SEARCH__ROOT"
std::string who_said(std::string_view wrong, std::string_view file,
                     const std::vector<setting>& settings);

// Reads a text. `name` is what mistakes call it. Of two settings of one key the later one holds. A
// number of workers that is 0 becomes that of the CPUs (cpus.h). A pool that only a setting has
// made is one that a route or a database uses: else its name is a mistake.
//
// All mistakes are added to `wrong`. What is returned is complete and allowed all the same: of a
// section with a mistake it has nothing, as far as that goes (no database, no certificate ...), so
// that what is right can be looked at further.
document read_document(std::string_view text, std::string_view name,
                       const std::vector<setting>& settings, mistakes& wrong);

// The same of a file of up to 1 MiB. `by` is what names it ("--config"), for the mistake that it
// cannot be read; empty: nobody does.
document load_document(const std::string& path, std::string_view by,
                       const std::vector<setting>& settings, mistakes& wrong);

// A line for each key: `listen.port = 8081  # HANGUP_LISTEN__PORT`. What the schema calls writeOnly
// is hidden, unless it is empty.
std::string in_lines(const document& d);

// The path of each key with a value: "listen.port". An array is one value.
std::vector<std::string> keys_of(const nlohmann::json& values);

// The schema, and its text as it is shipped.
const schema& config_schema();
std::string_view schema_text() noexcept;

}  // namespace hangup::server
