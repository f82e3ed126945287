// The command line. Flags override the environment, which overrides the configuration file; all of
// them are checked by the same schema.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hangup/http/tls.h"
#include "server/config.h"
#include "server/config_document.h"

namespace hangup::server {

// The result of the command line. If there is an exit code, the program prints the message (on
// stderr for an error, otherwise on stdout; it does not end with a newline) and exits with that
// code: 0 for --help, --version, --print-config and a successful --check-config; 2 for mistakes,
// with one line each that says where it is, what was found and what is allowed. Otherwise the
// program runs with the settings.
struct launch {
  config settings;
  std::shared_ptr<const http::tls_identity> identity;  // null: plain HTTP
  std::string source;         // the path of the file, or "built-in defaults"
  std::vector<setting> over;  // the settings that override the file, for messages
  std::optional<int> exit_code;
  std::string message;
  bool message_is_error = false;
  std::string probe;  // not empty: only request this URL (probe.h)
};

// Reads the flags, then a configuration file and the environment (environment.h). The file is the
// one that the flags or HANGUP_CONFIG name, or else config/server.json in the current directory; if
// there is none, the built-in defaults are used. `environment` is an array like that of main(),
// ended by a null pointer; null: an empty one. If a flag is given twice, the last value is used.
// Checks the files and folders that the configuration names (file_checks.h), and makes none. Does
// not print or exit, and does not throw because of the contents of flags or file.
launch read_flags(int argc, const char* const* argv, const char* const* environment = nullptr);

}  // namespace hangup::server
