// The examples of handlers/, compiled: see cmake/header_examples.cmake.
#include <memory>
#include <string>
#include <vector>

#include "handlers/jobs/store.h"
#include "handlers/query/connection_pool.h"
#include "handlers/query/database.h"
#include "handlers/query/fanout.h"
#include "handlers/search/file_search.h"
#include "hangup/http/server.h"

namespace hangup::header_examples {

std::error_code make_report(const context& ctx, jobs::result& to, std::string& why);

bool of_jobs(const context& request, pool& queries);
bool of_jobs(const context& request, pool& queries) {
#include "handlers/jobs/store.h.example"
  return begun.job.has_value();
}

std::error_code of_database(const context& ctx, query::database& db, const query::report& report,
                            const query::arguments& arguments, query::row_sink& sink);
std::error_code of_database(const context& ctx, query::database& db, const query::report& report,
                            const query::arguments& arguments, query::row_sink& sink) {
#include "handlers/query/database.h.example"
  return {};
}

struct link {
  void ask();
};
using query::connection_pool;
using query::lease;
std::error_code of_connection_pool(const context& ctx);
std::error_code of_connection_pool(const context& ctx) {
#include "handlers/query/connection_pool.h.example"
  return {};
}

void of_fanout(http::server& server, loop& tasks,
               const std::vector<query::named_database*>& databases);
void of_fanout(http::server& server, loop& tasks,
               const std::vector<query::named_database*>& databases){
#include "handlers/query/fanout.h.example"
}

std::error_code of_file_search(const context& ctx, const search::root& files, search::sink& out);
std::error_code of_file_search(const context& ctx, const search::root& files, search::sink& out) {
#include "handlers/search/file_search.h.example"
}

}  // namespace hangup::header_examples
