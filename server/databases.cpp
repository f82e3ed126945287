#include "server/databases.h"

#include <spdlog/fmt/fmt.h>

#include <filesystem>
#include <span>

#include "handlers/query/postgres.h"
#include "handlers/query/sample_database.h"
#include "handlers/query/sqlite.h"
#include "handlers/query/sqlite_errors.h"
#include "hangup/context/with_task_group.h"
#include "hangup/http/request.h"
#include "hangup/worker/loop.h"
#include "server/message_text.h"
#include "server/progress.h"
#include "server/sample_place.h"

namespace hangup::server {
namespace {

namespace fs = std::filesystem;
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
    progress shown(fmt::format("the sample database {}, about {} rows", d.file, d.sample_rows));
    if (const auto ec = make_data_folder(d.file)) {
      throw database_error(sample_not_made(name, d.file, ec.message()));
    }
    if (query::make_sample(
            ctx, d.file, d.sample_rows, [&](unsigned percent) { shown.show(percent); }, why)) {
      ctx.throw_if_done();
      throw database_error(sample_not_made(name, d.file, why));
    }
  }
  return query::open_sqlite({.file = d.file,
                             .connections = d.connections,
                             .spare_connections = spare(d.connections, d.spare_percent),
                             .patience = d.wait});
}

class row_counter final : public query::row_sink {
 public:
  std::error_code columns(const context&, std::span<const std::string>) override { return {}; }
  std::error_code row(const context&, std::span<const query::field>) override {
    ++rows;
    return {};
  }
  std::error_code idle(const context&) override { return {}; }

  std::size_t rows = 0;
};

bool has_no_table(const context& ctx, query::database& engine) {
  static const query::report any{.name = "", .sql = "SELECT 1 FROM data.sqlite_schema LIMIT 1"};
  std::unique_ptr<query::running> q;
  std::string why;
  row_counter counted;
  return !engine.start(ctx, any, {}, q, why) && !q->rows(ctx, counted, why) && counted.rows == 0;
}

// Why no query can begin; none: one can, or what it takes is in use. `soon` bounds the time.
problem fault(const context& soon, query::database& engine, const config::database_t& d) {
  std::string why;
  const auto ec = engine.reachable(soon, why);
  if (ec && soon.done()) {
    return "no answer in time";
  }
  if (ec == query::errc::busy) {
    return {};
  }
  const bool is_empty = !ec && is_sample(d) && has_no_table(soon, engine);
  if (is_empty) {
    why = "there is no table in it";
  } else if (!ec) {
    return {};
  }
  if (!is_sample(d)) {
    return why;
  }
  std::error_code ignored;
  const auto file = fs::absolute(d.file, ignored).string();
  if (fs::symlink_status(file, ignored).type() == fs::file_type::not_found) {
    return "the sample " + file + " is not there: start the server again, which makes it anew";
  }
  return is_empty || query::says_damaged(why)
             ? why + "; it is a sample: remove " + file +
                   " and start the server again, which makes it anew"
             : why + ": the sample " + file;
}

struct asked {
  const std::string& name;
  query::database& engine;
  const config::database_t& how;
};

std::string line_of(const asked& one, const std::string& why) {
  return "database " + one.name + ": " + why;
}

// The same for a task, which holds no thread meanwhile.
task<> add_fault(const context& soon, const asked& one, pool& blocking,
                 std::vector<std::string>& lines) {
  problem why;
  std::error_code ec;
  if (auto* const waits = one.engine.as_tasks()) {
    std::string text;
    ec = co_await waits->reach(soon, text);
    if (ec && ec != query::errc::busy && !soon.done()) {
      why = text;
    }
  } else {
    const auto look = [&](const context& ctx) { why = fault(ctx, one.engine, one.how); };
    ec = co_await on(blocking, soon, look, http::client_of(soon));
    if (ec && !soon.done()) {
      why = "not asked: " + ec.message();
    }
  }
  if (ec && soon.done()) {
    why = "no answer in time";
  }
  if (why) {
    lines.push_back(line_of(one, *why));
  }
}

// Asks all at the same time; a line for each fault.
task<std::vector<std::string>> faults(const context& ctx, const std::vector<asked>& all,
                                      pool& blocking) {
  const auto soon = with_timeout(ctx, 1s);
  std::vector<std::string> lines;
  const auto ask_all = [&](awaited_task_group& asking) {
    for (const auto& one : all) {
      asking.go([&] { return add_fault(soon.ctx, one, blocking, lines); });
    }
  };
  static_cast<void>(co_await with_task_group(background(), ask_all));
  co_return lines;
}

}  // namespace

std::string sample_not_made(const std::string& database, const std::string& file,
                            const std::string& why) {
  return "databases." + database + ".file: the sample database " + file +
         " cannot be made: " + why + "; name another file, or set \"sample\" to false";
}

databases open_databases(const context& ctx, const config& c) {
  databases all;
  for (const auto& [name, d] : c.databases) {
    all.push_back(std::make_unique<query::named_database>(name, d.kind, open_engine(ctx, name, d),
                                                          d.reports));
  }
  return all;
}

task<std::vector<std::string>> unreachable(const context& ctx, const databases& all,
                                           const config& c, pool& blocking) {
  std::vector<asked> engines;
  for (const auto& s : all) {
    engines.push_back({s->name(), s->engine(), c.databases.at(s->name())});
  }
  co_return co_await faults(ctx, engines, blocking);
}

std::vector<std::string> damaged_samples(const context& ctx, const config& c) {
  std::vector<std::unique_ptr<query::database>> opened;
  std::vector<asked> engines;
  for (const auto& [name, d] : c.databases) {
    if (is_sample(d)) {
      opened.push_back(query::open_sqlite({.file = d.file, .connections = 1, .patience = 200ms}));
      engines.push_back({name, *opened.back(), d});
    }
  }
  if (engines.size() == 1) {  // needs no thread of its own, which would be kept for a while
    const auto why = fault(with_timeout(ctx, 1s).ctx, engines[0].engine, engines[0].how);
    return why ? std::vector{line_of(engines[0], *why)} : std::vector<std::string>();
  }
  if (engines.empty()) {
    return {};
  }
  const auto many = static_cast<unsigned>(engines.size());
  pool blocking({.name = "samples", .workers = many, .queue = many});
  return run_blocking(faults(ctx, engines, blocking));
}

}  // namespace hangup::server
