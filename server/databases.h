// Opens the configured databases, and checks them.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "handlers/query/named_database.h"
#include "hangup/context/context.h"
#include "hangup/worker/loop.h"
#include "server/config.h"

namespace hangup::server {

using databases = std::vector<std::unique_ptr<query::named_database>>;

// Thrown by open_databases(). what() is one line: "databases.sqlite.file: ..."
class database_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The message if a sample could not be made, in one line: "databases.sqlite.file: the sample
// database ...".
std::string sample_not_made(const std::string& database, const std::string& file,
                            const std::string& why);

// Opens each database. Samples are made first if needed, with a progress bar on a terminal or a few
// lines otherwise, on standard error. Whether a database can be reached is not checked here. Throws
// database_error if a sample cannot be made, and canceled_error if the context ends meanwhile.
databases open_databases(const context& ctx, const config& c);

// The databases that cannot be reached, each with the reason, one line each. A busy database counts
// as reachable. A sample without tables counts as damaged. For a sample that is damaged, or not
// there, the reason says what to do about it.
// Asks all at the same time, and waits at most a second: on this pool for engines that block.
task<std::vector<std::string>> unreachable(const context& ctx, const databases& all,
                                           const config& c, pool& blocking);

// The same for samples only, for the log at the start. Closes the connections that it opens.
std::vector<std::string> damaged_samples(const context& ctx, const config& c);

}  // namespace hangup::server
