#include "server/databases.h"

#include <unistd.h>

#include <cstdio>
#include <mutex>

#include "context/task_group.h"
#include "handlers/query/postgres.h"
#include "handlers/query/sample_database.h"
#include "handlers/query/sqlite.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;

// Drawn over itself on a terminal; elsewhere a line each 25 percent.
void show_progress(const std::string& file, std::uint64_t rows, unsigned percent) {
  constexpr unsigned width = 40;
  if (::isatty(STDERR_FILENO) != 0) {
    const auto done = percent * width / 100;
    std::fprintf(stderr, "\rmaking the sample database %s [%s%s] %3u %%%s", file.c_str(),
                 std::string(done, '#').c_str(), std::string(width - done, '.').c_str(), percent,
                 percent == 100 ? "\n" : "");
  } else if (percent % 25 == 0) {
    std::fprintf(stderr, "making the sample database %s, about %llu rows: %u %%\n", file.c_str(),
                 static_cast<unsigned long long>(rows), percent);
  }
}

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
    const auto show = [&d](unsigned percent) { show_progress(d.file, d.sample_rows, percent); };
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
  for (const auto& s : all) {
    asking.go([&, soon = soon] {
      std::string why;
      const auto ec = s->engine().reachable(soon, why);
      if (ec && ec != query::errc::busy) {
        const std::lock_guard hold(mutex);
        lines.push_back("database " + s->name() + ": " + (soon.done() ? "no answer in time" : why));
      }
    });
  }
  asking.wait();
  return lines;
}

}  // namespace hangup::server
