// The configuration as a JSON document, before it becomes plain values: the file, overridden by the
// environment, overridden by the flags, completed with the defaults. It also records where each
// value came from.
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

// what() has one line per mistake, which says where it is, what was found, and what is allowed:
//   config/server.json: listen.port: found 99999, allowed 0..65535
class config_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One setting that replaces the file's: {"--port", "listen.port", "8081"}.
struct setting {
  std::string by;  // its source, for messages: `--port: found "x", allowed an integer 0..65535`
  std::string key;
  std::string text;
  bool is_hidden = false;  // messages do not show the text, because it may be a secret
  std::string file{};      // the file that the text was read from; empty: none
};

// The name of the configuration without a file.
inline constexpr auto built_in = "built-in defaults";

struct config_document {
  nlohmann::json values;  // complete: has every key
  // "listen.port" -> "--port"; keys with their defaults are absent.
  std::map<std::string, std::string> from;
};

// The sources to name in a message about a problem ("search.root: ..."): the file, and the settings
// of the same key or of one next to it. "config/server.json with HANGUP_SEARCH__ROOT"
std::string who_said(std::string_view wrong, std::string_view file,
                     const std::vector<setting>& settings);

// Reads a text. `name` is its name in messages. If there are two settings of one key, the later one
// is used. A number of workers of 0 is replaced by the number of CPUs (cpus.h). If only a setting
// defines a pool, a route or a database must use it; otherwise its name is considered a mistake.
//
// All mistakes are added to `wrong`. The returned document is complete and valid nevertheless: a
// section with a mistake is left empty as far as possible (no database, no certificate ...), so
// that the rest can be checked further.
config_document read_document(std::string_view text, std::string_view name,
                              const std::vector<setting>& settings, mistakes& wrong);

// The same for a file of up to 1 MiB. `by` is the source of its name ("--config"), for the message
// that it cannot be read; empty: none.
config_document load_document(const std::string& path, std::string_view by,
                              const std::vector<setting>& settings, mistakes& wrong);

// One line per key: `listen.port = 8081  # HANGUP_LISTEN__PORT`. Values that the schema marks as
// writeOnly are hidden unless they are empty.
std::string in_lines(const config_document& d);

// The path of each key that has a value: "listen.port". An array is one value.
std::vector<std::string> keys_of(const nlohmann::json& values);

// The schema of the configuration, made of its keys (config_keys.h).
const schema& config_schema();

}  // namespace hangup::server
