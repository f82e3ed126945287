// The databases of the configuration, opened, and what the program does with them.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "context/context.h"
#include "handlers/query/source.h"
#include "server/config.h"

namespace hangup::server {

using databases = std::vector<std::unique_ptr<query::source>>;

// Thrown by open_databases(): what() is one line, "databases.sqlite.file: ..."
class database_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Why there is none, in one line: "databases.sqlite.file: the sample database ...".
std::string sample_not_made(const std::string& database, const std::string& file,
                            const std::string& why);

// Opens each; makes those that are samples first, with a bar on a terminal and lines elsewhere, on
// standard error. Whether a database can be reached shows later. Throws database_error if a sample
// cannot be made, canceled_error if the context ends meanwhile.
databases open_databases(const context& ctx, const config& c);

// Which of them cannot be reached, and why, one line each; those that are busy can be. A sample
// that is damaged or has no table is one, and the line says what to do. Asks all at once and waits
// for at most a second.
std::vector<std::string> unreachable(const context& ctx, const databases& all, const config& c);

// The same of the samples alone, for the log at the start; the connections that it opens are closed
// again.
std::vector<std::string> damaged_samples(const context& ctx, const config& c);

}  // namespace hangup::server
