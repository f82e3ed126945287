#include "server/databases.h"

#include <spdlog/fmt/fmt.h>

#include <mutex>

#include "context/task_group.h"
#include "handlers/query/postgres.h"
#include "handlers/query/sample_database.h"
#include "handlers/query/sqlite.h"
#include "server/progress.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;

// The one place that knows which kinds there are.
std::unique_ptr<query::database> open_engine(const context& ctx, const std::string& name,
                                             const config::database_t& d) {
  if (d.kind == "postgres") {
    return std::make_unique<query::postgres>(
        query::postgres_options{.conninfo = d.conninfo,
                                .connections = d.connections,
                                .spare_connections = spare(d.connections, d.spare_percent),
                                .connect_timeout = d.connect_timeout,
                                .acquire_timeout = d.wait,
                                .settle_timeout = d.settle_timeout,
                                .read_only = d.read_only});
  }
  if (d.sample) {
    std::string why;
    const auto show = [&d](unsigned percent) {
      show_progress(fmt::format("the sample database {}, about {} rows", d.file, d.sample_rows),
                    percent);
    };
    if (query::make_sample(ctx, d.file, d.sample_rows, show, why)) {
      ctx.throw_if_done();
      throw database_error("databases." + name + ".file: the sample database " + d.file +
                           " cannot be made: " + why +
                           "; name another file, or set \"sample\" to false");
    }
  }
  return query::open_sqlite({.file = d.file,
                             .connections = d.connections,
                             .spare_connections = spare(d.connections, d.spare_percent),
                             .patience = d.wait});
}

}  // namespace

databases open_databases(const context& ctx, const config& c) {
  databases all;
  for (const auto& [name, d] : c.databases) {
    all.push_back(
        std::make_unique<query::source>(name, d.kind, open_engine(ctx, name, d), d.reports));
  }
  return all;
}

std::vector<std::string> unreachable(const context& ctx, const databases& all) {
  const auto [soon, cancel] = with_timeout(ctx, 1s);
  std::mutex mutex;
  std::vector<std::string> lines;
  task_group asking;
  const auto add = [&](const query::source& s, const std::string& why) {
    const std::lock_guard hold(mutex);
    lines.push_back("database " + s.name() + ": " + why);
  };
  for (const auto& s : all) {
    const auto refused = asking.go([&, soon = soon] {
      std::string why;
      const auto ec = s->engine().reachable(soon, why);
      if (ec && ec != query::errc::busy) {
        add(*s, soon.done() ? "no answer in time" : why);
      }
    });
    if (refused) {
      add(*s, "cannot be asked: " + refused.message());
    }
  }
  if (const auto ec = asking.wait(); ec && lines.empty()) {  // none came for what had been started
    lines.push_back("a database cannot be asked: " + ec.message());
  }
  return lines;
}

}  // namespace hangup::server
