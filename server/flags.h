// The command line. What it says goes over the environment and that over the configuration file,
// and all is checked by the same schema.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/tls.h"
#include "server/config.h"
#include "server/document.h"

namespace hangup::server {

// What the command line asks for. If there is an exit code the program prints the message (to
// stderr if it is an error, else to stdout; it does not end in a newline) and exits with it: 0
// after --help, --version, --print-config and a good --check-config, 2 after anything wrong: a line
// for each mistake that says where, what was found and what is allowed. Otherwise it runs with the
// settings.
struct launch {
  config settings;
  std::shared_ptr<const http::tls_identity> identity;  // null: plain HTTP
  std::string source;  // where the settings are from: the file's path, or "built-in defaults"
  std::vector<setting> over;  // what goes over that, for errors
  std::optional<int> exit_code;
  std::string message;
  bool message_is_error = false;
  std::string probe;  // not empty: only ask this URL (probe.h)
};

// Reads the flags and then the file that they name, or HANGUP_CONFIG, or else config/server.json in
// the current directory, or else the built-in defaults, and what the environment says
// (environment.h): an array as that of main(), which a null pointer ends; null: nothing. A flag
// that is given twice has its last value. Looks at the files and folders that the configuration
// names (file_checks.h), and makes none. Neither prints nor exits, and throws nothing for what is
// in the flags or in the file.
launch read_flags(int argc, const char* const* argv, const char* const* environment = nullptr);

}  // namespace hangup::server
