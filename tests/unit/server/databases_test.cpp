// What is said at the start about samples.
#include "server/databases.h"

#include "tests/unit/handlers/query/sqlite_support.h"

namespace hangup::server {
namespace {

TEST(damaged_samples, many_that_somebody_is_writing_to_are_busy_and_not_damaged) {
  const query::folder place;
  config c;
  config::database_t sample;
  sample.kind = "sqlite";
  sample.file = place.sample(500);
  sample.sample = true;
  for (int n = 0; n < 12; ++n) {  // for each of which SQLite waits a while
    c.databases["d" + std::to_string(n)] = sample;
  }
  EXPECT_EQ(damaged_samples(background(), c), std::vector<std::string>());
  const query::other_writer writer(sample.file);
  writer.run("BEGIN EXCLUSIVE");
  EXPECT_EQ(damaged_samples(background(), c), std::vector<std::string>());
}

}  // namespace
}  // namespace hangup::server
