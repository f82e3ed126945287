#include "server/program.h"

#include <unistd.h>

#include <algorithm>

#include "handlers/jobs/routes.h"
#include "handlers/own_pages.h"
#include "handlers/query/routes.h"
#include "handlers/query/sim_query.h"
#include "handlers/query/spin.h"
#include "handlers/search/sample_corpus.h"
#include "handlers/search/search.h"
#include "hangup/context/after_func.h"
#include "hangup/http/request.h"
#include "server/end_pages.h"
#include "server/file_checks.h"
#include "server/identity.h"
#include "server/index_page.h"
#include "server/live_page.h"
#include "server/live_stats.h"
#include "server/pages.h"
#include "server/relay_upstreams.h"
#include "server/replica_pages.h"
#include "server/request_pages.h"
#include "server/search_files.h"

namespace hangup::server {
namespace {

http::options http_options(const config& c) {
  http::options o;
  o.front_threads = c.http.front_threads;
  o.front_loops = c.http.front_loops;
  o.max_connections = c.http.max_connections;
  o.backlog = c.listen.backlog;
  o.head.bytes = c.http.max_head_bytes;
  o.head.headers = c.http.max_headers;
  o.max_body = c.http.max_body_bytes;
  o.body_buffer = c.http.body_buffer_bytes;
  o.max_connections_per_address = c.http.max_connections_per_address;
  o.read_ahead = c.http.read_ahead_bytes;
  o.read_ahead_total = c.http.read_ahead_total_bytes;
  o.on_half_close = c.http.on_half_close;
  o.handshake_timeout = c.http.handshake_timeout;
  o.head_timeout = c.http.head_timeout;
  o.idle_timeout = c.http.idle_timeout;
  o.body_timeout = c.http.body_timeout;
  o.body_min_rate = c.http.body_min_rate;
  o.write_timeout = c.http.write_timeout;
  o.write_min_rate = c.http.write_min_rate;
  o.spot_deadline = c.http.spot_deadline;
  o.linger_timeout = c.http.linger_timeout;
  o.late_after = c.http.late_after;
  o.keepalive_idle = c.http.keepalive_idle;
  o.keepalive_interval = c.http.keepalive_interval;
  o.keepalive_probes = c.http.keepalive_probes;
  o.user_timeout = c.http.user_timeout;
  return o;
}

config_error wrong(const launch& with, const std::string& what) {
  return config_error(escaped(who_said(what, with.source, with.over) + ": " + what));
}

std::shared_ptr<const handlers::relay_options> relay_options(const launch& with) {
  const auto& c = with.settings.relay;
  auto options = std::make_shared<handlers::relay_options>();
  options->targets.insert(c.targets.begin(), c.targets.end());
  options->max_hops = c.max_hops;
  for (const auto& [name, u] : c.upstreams) {
    try {
      options->upstreams[name] = open_upstream(name, c);
    } catch (const std::invalid_argument& e) {
      throw wrong(with, e.what());
    }
  }
  return options;
}

jobs::options job_options(const config& c, request_log& log) {
  return {.jobs = c.jobs.most,
          .result_bytes = c.jobs.max_result_bytes,
          .total_bytes = c.jobs.max_total_bytes,
          .spare_jobs = spare(c.jobs.most, c.jobs.spare_percent),
          .spare_bytes = spare(c.jobs.max_total_bytes, c.jobs.spare_percent),
          .deadline = c.jobs.deadline,
          .keep = c.jobs.keep,
          .late_after = c.http.late_after,
          .say =
              [&log](bool wrong, const std::string& line) {
                log.say(wrong ? spdlog::level::warn : spdlog::level::info, line);
              },
          .lost = [&log] { log.lost(); }};
}

loop_options task_options(const config& c, request_log& log) {
  return {.name = "tasks",
          .threads = c.tasks.threads,
          .held = {.after = c.tasks.held_after, .call = [&log](const held_thread& held) {
                     log.say(spdlog::level::warn,
                             fmt::format("a task {} a thread of the loop \"{}\"; started in {}",
                                         held.over ? "no longer holds" : "holds", held.loop,
                                         describe(held.started)));
                   }}};
}

std::function<void(const std::string&)> warnings_of(request_log& log) {
  return [&log](const std::string& line) { log.say(spdlog::level::warn, line); };
}

query::fanout_options fanout_options(const config::fanout_t& c, request_log& log) {
  return {.report = c.report,
          .max_parts = c.max_parts,
          .parts_at_once = c.parts_at_once,
          .spare_parts = static_cast<unsigned>(spare(c.parts_at_once, c.spare_percent)),
          .wait = c.wait,
          .say = warnings_of(log)};
}

databases opened(const context& ctx, const launch& with) {
  try {
    return open_databases(ctx, with.settings);
  } catch (const database_error& e) {
    throw wrong(with, e.what());
  }
}

template <class Source>
std::vector<Source*> all_of(const databases& sources) {
  std::vector<Source*> all;
  for (const auto& s : sources) {
    all.push_back(s.get());
  }
  return all;
}

}  // namespace

program::program(const context& opening, const launch& with)
    : how_(with.settings),
      own_(own_files_of(with)),
      tree_(open_search(opening, with, own_)),
      relays_(relay_options(with)),
      sources_(opened(opening, with)),
      log_(how_.log),
      ended_({how_.requests.completed, how_.requests.not_completed}),
      probes_({.name = "probe", .workers = 2, .queue = 16, .spare_workers = 1, .spare_queue = 4}),
      pages_({.name = "pages", .workers = 4, .queue = 64, .spare_workers = 1, .spare_queue = 16}),
      asking_({.name = "replicas", .workers = 2, .queue = 6, .spare_workers = 1, .spare_queue = 2}),
      tasks_(task_options(how_, log_)),
      fanout_(fanout_options(how_.fanout, log_), all_of<query::named_database>(sources_)),
      jobs_(job_options(how_, log_)),
      upstream_counts_(relays_),
      fanout_counts_(fanout_),
      job_counts_(jobs_),
      task_counts_(tasks_),
      access_(how_),
      access_counts_(access_),
      peers_(how_.admin),
      peer_counts_(peers_),
      events_(server_, event_options()),
      live_counts_(events_),
      server_(http_options(how_)) {
  server_.guard_operators([this](const http::request& req) { return access_(req); });
  for (const auto& [name, p] : how_.pools) {
    pools_[name] = std::make_unique<pool>(
        pool::options{.name = name,
                      .workers = p.workers,
                      .queue = p.queue,
                      .spare_workers = static_cast<unsigned>(spare(p.workers, p.spare_percent)),
                      .spare_queue = static_cast<unsigned>(spare(p.queue, p.spare_percent))});
  }
  add_routes();
  add_databases();
  const page_pool pages{pages_, how_.http.spot_deadline};
  add_index_page(server_,
                 std::any_of(how_.databases.begin(), how_.databases.end(),
                             [this](const auto& database) {
                               return database.second.reports.contains(how_.fanout.report);
                             }),
                 pages);
  add_live_page_files(server_);
  add_liveness_page(server_);
  add_request_pages(server_, ended_, pages, instance_);
  add_end_pages(server_, pages, !how_.admin.token_file.empty(), instance_);
  events_.add_route();
  if (!how_.admin.peers.empty()) {
    add_replica_pages(server_, peers_, {asking_, how_.http.spot_deadline});
  }
  add_readiness_page(server_, tasks_, how_.http.spot_deadline,
                     [this](const context& ctx) { return missing(ctx); });
  add_metrics_page(
      server_, [this]() -> const metrics& { return *counts_; }, pages);
  add_metrics();
  for (const auto& path : log_.skip(how_.log.skip, server_.routes())) {
    log_.say(spdlog::level::warn, "log.skip: there is no route " + path);
  }
  if (with.identity) {
    server_.use_tls(with.identity);
  }
  server_.observe(*counts_).observe(ended_).observe(log_).observe(events_.requests());
  server_.follow(events_.requests());
  // Its first worker is made now: what the server does is asked most when no thread can be made.
  static_cast<void>(pages_.submit(background(), [](const context&) {}));
  if (tree_) {
    say_what_is_kept_out();
  }
}

event_stream::options program::event_options() {
  return {.instance = instance_,
          .max_viewers = how_.live.max_viewers,
          .ring = how_.live.ring,
          .on = tasks_,
          .hello = [this] { return live_hello(how_, all_pools()); },
          .stats =
              [this] {
                return live_stats(how_, counts_->sum(), all_pools(),
                                  all_of<const query::named_database>(sources_));
              }};
}

std::vector<const pool*> program::all_pools() const {
  std::vector<const pool*> all = {&probes_, &pages_};
  if (!how_.admin.peers.empty()) {
    all.push_back(&asking_);
  }
  for (const auto* const some : {&pools_, &job_pools_}) {
    for (const auto& [name, p] : *some) {
      all.push_back(p.get());
    }
  }
  return all;
}

task<std::vector<std::string>> program::missing(const context& ctx) {
  auto lines = co_await unreachable(ctx, sources_, how_, probes_);
  if (tree_) {
    const auto look = [&](const context&) { add_damaged_corpus(lines); };
    const std::error_code ec = co_await on(probes_, ctx, look, http::client_of(ctx));
    if (ec) {
      lines.push_back("the sample corpus: not looked at: " + ec.message());
    }
  }
  co_return lines;
}

void program::add_damaged_corpus(std::vector<std::string>& to) const {
  if (auto fault = tree_ ? damaged_corpus(how_.search) : std::nullopt) {
    to.push_back(std::move(*fault));
  }
}

void program::say_what_is_damaged(const context& ctx) {
  auto lines = damaged_samples(ctx, how_);
  add_damaged_corpus(lines);
  for (const auto& line : lines) {
    log_.say(spdlog::level::warn, escaped("not ready: " + line));
  }
}

void program::say_what_is_kept_out() {
  std::string names;
  for (const auto& file : own_.below(tree_->directory())) {
    names.append(names.empty() ? "" : ", ").append(file);
  }
  if (!names.empty()) {
    log_.say(spdlog::level::warn, escaped("search.root: " + tree_->directory() +
                                          " has files of the server's own in it (" + names +
                                          "): no search reads those, but everything else there"));
  }
}

void program::add_routes() {
  const auto slow = [this](const char* path, const config::route_t& r, http::handler h,
                           bool compress = false) {
    server_.handle({.method = "GET",
                    .path = path,
                    .runs_on = pools_.at(r.pool).get(),
                    .deadline = r.deadline,
                    .on_half_close = r.on_half_close,
                    .compress = compress,
                    .answer = std::move(h)});
  };
  slow("/query/sim", how_.routes.query_sim, handlers::sim_query(), true);
  const auto as_task = [this](const char* path, const config::task_route_t& r, http::handler h) {
    server_.handle({.method = "GET",
                    .path = path,
                    .on_loop = &tasks_,
                    .max_in_flight = r.max_in_flight,
                    .deadline = r.deadline,
                    .on_half_close = r.on_half_close,
                    .answer = std::move(h)});
  };
  as_task("/query/sim/task", how_.routes.query_sim_task, handlers::sim_query_task());
  slow("/spin", how_.routes.spin, handlers::spin({how_.spin.allow_deaf, how_.spin.max_deaf}));
  if (tree_) {
    slow("/search", how_.routes.search, handlers::search(tree_, how_.search.max_matches_limit));
  }
  if (!relays_->upstreams.empty()) {
    as_task("/relay", how_.routes.relay, handlers::relay(relays_));
  }
  if (!sources_.empty()) {
    as_task("/fanout", how_.routes.fanout, fanout_.handler());
  }
}

// Jobs of a database have workers of their own: nobody waits for a job, and who does wait finds a
// worker and a connection.
pool& program::job_pool(const std::string& database) {
  const auto& how = how_.databases.at(database);
  const auto all = workers_for_jobs(how.connections);
  const auto for_others = all > 1 ? spare(all, how.spare_percent) : 0;
  const auto workers = std::max<std::size_t>(1, all - for_others);
  auto& made = job_pools_[database];
  made = std::make_unique<pool>(pool::options{
      .name = "jobs-" + database,
      .workers = static_cast<unsigned>(workers),
      .queue = static_cast<unsigned>(how_.jobs.most),
      .spare_workers = static_cast<unsigned>(all - workers),
      .spare_queue = static_cast<unsigned>(spare(how_.jobs.most, how_.jobs.spare_percent))});
  return *made;
}

void program::add_databases() {
  server_.handle({.method = "GET",
                  .path = "/query",
                  .answer = query::list_databases(all_of<const query::named_database>(sources_))});
  for (const auto& s : sources_) {
    const auto& how = how_.databases.at(s->name());
    const auto report =
        query::run_report(*s, warnings_of(log_), query::later{jobs_, job_pool(s->name())});
    const bool waits = report.is_task();
    const auto add = [&](const char* method, http::handler answer) {
      server_.handle({.method = method,
                      .path = "/query/" + s->name(),
                      .runs_on = waits ? nullptr : pools_.at(how.pool).get(),
                      .on_loop = waits ? &tasks_ : nullptr,
                      .max_in_flight = waits ? how.max_in_flight : 0,
                      .deadline = how.deadline,
                      .answer = std::move(answer)});
    };
    add("GET", report);
    add("POST", handlers::for_own_pages(report));
  }
  if (!sources_.empty()) {
    const auto& result = how_.routes.job_result;
    jobs::add_routes(server_, jobs_,
                     {tasks_, result.max_in_flight, result.deadline, result.on_half_close},
                     {pages_, how_.http.spot_deadline});
  }
}

void program::add_metrics() {
  counts_ = std::make_unique<metrics>(
      server_, all_pools(), [this] { return log_.dropped(); },
      all_of<const query::named_database>(sources_));
  counts_->include(task_counts_);
  counts_->include(live_counts_);
  if (!how_.admin.peers.empty()) {
    counts_->include(peer_counts_);
  }
  counts_->include(access_counts_);
  if (!relays_->upstreams.empty()) {
    counts_->include(upstream_counts_);
  }
  if (!sources_.empty()) {
    counts_->include(fanout_counts_);
    counts_->include(job_counts_);
  }
}

void program::reload() {
  std::string renewed;
  bool failed = false;
  const auto go_on_with_the_old = [&](const char* what, const std::exception& e) {
    failed = true;
    log_.say(spdlog::level::err,
             fmt::format("SIGHUP: going on with the old {}: {}", what, e.what()));
  };
  try {
    if (auto identity = identity_of(how_)) {
      server_.use_tls(std::move(identity));
      renewed = "new connections get the certificate in " + how_.tls.certificate + " as it is now";
    }
  } catch (const http::tls_error& e) {
    go_on_with_the_old("certificate", e);
  }
  try {
    access_.reload();
    if (!how_.admin.token_file.empty()) {
      renewed.append(renewed.empty() ? "" : "; ")
          .append("operators need the token in " + how_.admin.token_file + " as it is now");
    }
  } catch (const std::invalid_argument& e) {
    go_on_with_the_old("token", e);
  }
  if (!failed || !renewed.empty()) {
    log_.say(spdlog::level::info,
             "SIGHUP: " + (renewed.empty() ? "there is nothing to reload, going on" : renewed));
  }
}

// Jobs have the same time as requests, and both end at its end: nobody waits for the other.
std::error_code program::drain(const context& patience) {
  jobs_.refuse_more();
  events_.close();  // they would go on until the end of the patience
  const auto stop_jobs = after_func(patience, [this] { jobs_.end_all(); });
  if (const auto ec = server_.drain(patience, how_.stopping.stop)) {
    return ec;
  }
  if (const auto left = jobs_.active(); left > 0) {
    log_.say(spdlog::level::info, fmt::format("waiting for {} job{}", left, left == 1 ? "" : "s"));
  }
  return jobs_.drain(patience, how_.stopping.stop);
}

std::string program::unfinished() const {
  return fmt::format("{} requests and {} jobs", server_.in_flight_count(), jobs_.active());
}

}  // namespace hangup::server
