// The program: flags and configuration, pools, routes, signals.
#include <pthread.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include <poll.h>

#include "context/after_func.h"
#include "context/wait.h"
#include "handlers/jobs/routes.h"
#include "handlers/query/fanout.h"
#include "handlers/query/routes.h"
#include "handlers/relay.h"
#include "handlers/search.h"
#include "handlers/sim_query.h"
#include "handlers/spin.h"
#include "server/databases.h"
#include "server/ended_requests.h"
#include "server/fanout_metrics.h"
#include "server/flags.h"
#include "server/identity.h"
#include "server/job_metrics.h"
#include "server/metrics.h"
#include "server/pages.h"
#include "server/request_log.h"
#include "server/schema.h"
#include "server/upstream_metrics.h"

namespace hangup::server {
namespace {

// SIGTERM, SIGINT and SIGHUP as something to wait for. Made before any thread: they inherit the
// mask.
class signals {
 public:
  signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int s : {SIGTERM, SIGINT, SIGHUP}) {
      sigaddset(&set, s);
    }
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    fd_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  }
  ~signals() { ::close(fd_); }
  signals(const signals&) = delete;
  signals& operator=(const signals&) = delete;

  // The next signal that asks to stop; none if the context ends first. Calls `reload` for each
  // SIGHUP until then.
  template <class Reload>
  std::optional<int> next_stop(const context& ctx, const Reload& reload) const {
    for (;;) {
      if (wait_fd(ctx, fd_, POLLIN)) {
        return std::nullopt;
      }
      signalfd_siginfo info{};
      if (::read(fd_, &info, sizeof info) != sizeof info) {
        continue;
      }
      if (info.ssi_signo != SIGHUP) {
        return static_cast<int>(info.ssi_signo);
      }
      reload();
    }
  }

 private:
  int fd_;
};

http::options http_options(const config& c) {
  http::options o;
  o.front_threads = c.http.front_threads;
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
  o.write_timeout = c.http.write_timeout;
  o.linger_timeout = c.http.linger_timeout;
  o.late_after = c.http.late_after;
  o.keepalive_idle = c.http.keepalive_idle;
  o.keepalive_interval = c.http.keepalive_interval;
  o.keepalive_probes = c.http.keepalive_probes;
  o.user_timeout = c.http.user_timeout;
  return o;
}

// Each connection is a descriptor: as many as the system allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

void renew_identity(const config& c, http::server& server, request_log& log) {
  try {
    if (auto renewed = identity_of(c)) {
      server.use_tls(std::move(renewed));
      log.say(spdlog::level::info, "SIGHUP: new connections get the certificate in " +
                                       escaped(c.tls.certificate) + " as it is now");
    } else {
      log.say(spdlog::level::info, "SIGHUP: there is nothing to reload, going on");
    }
  } catch (const http::tls_error& e) {
    log.say(spdlog::level::err,
            std::string("SIGHUP: going on with the old certificate: ") + e.what());
  }
}

// Making a sample takes seconds, in which a signal is heard as well. None: it was.
std::optional<databases> opened(const config& c, const signals& stops) {
  const auto [opening, end] = with_cancel(background());
  const auto [listening, over] = with_cancel(background());
  std::thread listener([&, listening = listening, &end = end] {
    if (stops.next_stop(listening, [] {})) {
      end();
    }
  });
  struct joined {
    ~joined() {
      over();
      thread.join();
    }
    const cancel_func& over;
    std::thread& thread;
  } const at_the_end{over, listener};
  try {
    return open_databases(opening, c);
  } catch (const canceled_error&) {
    return std::nullopt;
  }
}

// Throws std::invalid_argument that names the key.
std::shared_ptr<const handlers::relay_options> relay_options(const config::relay_t& c) {
  auto options = std::make_shared<handlers::relay_options>();
  options->targets.insert(c.targets.begin(), c.targets.end());
  options->max_hops = c.max_hops;
  for (const auto& [name, u] : c.upstreams) {
    try {
      options->upstreams[name] = std::make_unique<const handlers::upstream>(
          name, handlers::upstream_options{.url = u.url,
                                           .ca_file = u.ca_file,
                                           .connect_timeout = c.connect_timeout,
                                           .stall_timeout = c.stall_timeout,
                                           .max_head_bytes = c.max_head_bytes});
    } catch (const std::invalid_argument& e) {
      throw std::invalid_argument("relay.upstreams." + name + "." + e.what());
    }
  }
  return options;
}

jobs::options job_options(const config& c, request_log& log) {
  return {.jobs = c.jobs.most,
          .result_bytes = c.jobs.max_result_bytes,
          .total_bytes = c.jobs.max_total_bytes,
          .deadline = c.jobs.deadline,
          .keep = c.jobs.keep,
          .late_after = c.http.late_after,
          .say = [&log](bool wrong, const std::string& line) {
            log.say(wrong ? spdlog::level::warn : spdlog::level::info, escaped(line));
          }};
}

int run(const launch& with) {
  const config& c = with.settings;
  const signals stops;
  raise_descriptor_limit();
  std::shared_ptr<const search::root> tree;
  try {
    tree = std::make_shared<const search::root>(c.search.root);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: search.root: %s\n", with.source.c_str(), e.what());
    return 2;
  }
  std::optional<databases> sources;
  try {
    sources = opened(c, stops);
  } catch (const database_error& e) {
    std::fprintf(stderr, "%s: %s\n", with.source.c_str(), e.what());
    return 2;
  }
  if (!sources) {
    return 0;
  }
  std::shared_ptr<const handlers::relay_options> relays;
  try {
    relays = relay_options(c.relay);
  } catch (const std::invalid_argument& e) {
    std::fprintf(stderr, "%s: %s\n", with.source.c_str(), e.what());
    return 2;
  }
  const upstream_metrics upstream_counts(relays);
  request_log log(c.log);
  ended_requests ended(c.requests.ended);
  std::map<std::string, std::unique_ptr<pool>> pools;
  for (const auto& [name, p] : c.pools) {
    pools[name] =
        std::make_unique<pool>(pool::options{.name = name, .workers = p.workers, .queue = p.queue});
  }

  // Probes may wait for a database, and must not wait for queries.
  pool probes({.name = "probe", .workers = 2, .queue = 16});

  std::vector<query::source*> askable;
  for (const auto& d : *sources) {
    askable.push_back(d.get());
  }
  query::fanout fanout({.report = c.fanout.report,
                        .max_parts = c.fanout.max_parts,
                        .parts_at_once = c.fanout.parts_at_once,
                        .wait = c.fanout.wait},
                       askable);
  const fanout_metrics fanout_counts(fanout);
  jobs::store detached(job_options(c, log));
  const job_metrics job_counts(detached);
  std::unique_ptr<metrics> counts;
  http::server server(http_options(c));
  const auto slow = [&](const char* path, const config::route_t& r, http::handler h) {
    server.handle({.method = "GET",
                   .path = path,
                   .runs_on = pools.at(r.pool).get(),
                   .deadline = r.deadline,
                   .on_half_close = r.on_half_close,
                   .answer = std::move(h)});
  };
  slow("/query/sim", c.routes.query_sim, handlers::sim_query());
  slow("/spin", c.routes.spin, handlers::spin());
  slow("/search", c.routes.search, handlers::search(tree, c.search.max_matches_limit));
  std::vector<const query::source*> known;
  for (const auto& d : *sources) {
    known.push_back(d.get());
    const auto& how = c.databases.at(d->name());
    auto& workers = *pools.at(how.pool);
    const auto report = query::run_report(
        *d, [&log](const std::string& line) { log.say(spdlog::level::warn, escaped(line)); },
        query::later{detached, workers});
    for (const char* const method : {"GET", "POST"}) {
      server.handle({.method = method,
                     .path = "/query/" + d->name(),
                     .runs_on = &workers,
                     .deadline = how.deadline,
                     .answer = report});
    }
  }
  if (!known.empty()) {
    const auto& result = c.routes.job_result;
    jobs::add_routes(server, detached,
                     {*pools.at(result.pool), result.deadline, result.on_half_close});
  }
  server.handle({.method = "GET", .path = "/query", .answer = query::list_databases(known)});
  if (!relays->upstreams.empty()) {
    slow("/relay", c.routes.relay, handlers::relay(relays));
  }
  if (!askable.empty()) {
    slow("/fanout", c.routes.fanout, fanout.handler());
  }
  add_pages(server, ended);
  add_readiness_page(server, known.empty() ? nullptr : &probes,
                     [&sources](const context& ctx) { return unreachable(ctx, *sources); });
  add_metrics_page(server, [&counts]() -> const metrics& { return *counts; });

  std::vector<const pool*> counted = {&probes};
  for (const auto& [name, p] : pools) {
    counted.push_back(p.get());
  }
  counts = std::make_unique<metrics>(
      server, counted, [&log] { return log.dropped(); }, known);
  if (!relays->upstreams.empty()) {
    counts->include(upstream_counts);
  }
  if (!known.empty()) {
    counts->include(fanout_counts);
    counts->include(job_counts);
  }
  if (with.identity) {
    server.use_tls(with.identity);
  }
  server.observe(*counts).observe(ended).observe(log);

  if (const auto ec = server.listen(c.listen.host, c.listen.port)) {
    std::fprintf(stderr, "hangup: cannot listen on host %s, port %u: %s\n",
                 shown(c.listen.host).c_str(), unsigned{c.listen.port}, ec.message().c_str());
    return 1;
  }
  log.say(spdlog::level::info, fmt::format("hangup {} listens on {}://{}:{} with {}, pid {}",
                                           HANGUP_VERSION, c.tls.key.empty() ? "http" : "https",
                                           c.listen.host, server.port(), with.source, ::getpid()));

  const auto reload = [&] { renew_identity(c, server, log); };
  const auto first = stops.next_stop(background(), reload);
  log.say(spdlog::level::info,
          fmt::format("{}: draining for up to {} s; once more ends at once",
                      ::strsignal(first.value_or(SIGTERM)), c.stopping.drain.count()));
  const auto [patience, no_more] = with_timeout(background(), c.stopping.drain);
  // A second signal ends the patience; the end of the drain ends the wait for it.
  const auto [drained, over] = with_cancel(background());
  std::thread second([&, drained = drained, &no_more = no_more] {
    if (stops.next_stop(drained, reload)) {
      no_more();
      if (stops.next_stop(drained, reload)) {
        ::_exit(1);
      }
    }
  });
  // Jobs have the same time as requests, and both end at its end: nobody waits for the other.
  detached.refuse_more();
  const auto stop_jobs = after_func(patience, [&detached] { detached.end_all(); });
  auto ec = server.drain(patience, c.stopping.stop);
  if (const auto left = detached.active(); left > 0) {
    log.say(spdlog::level::info, fmt::format("waiting for {} job{}", left, left == 1 ? "" : "s"));
  }
  if (!ec) {
    ec = detached.drain(patience, c.stopping.stop);
  }
  over();
  second.join();
  if (ec) {
    std::fprintf(stderr,
                 "hangup: leaving although %zu requests and %zu jobs did not stop within %lld s\n",
                 server.in_flight().size(), detached.active(),
                 static_cast<long long>(c.stopping.stop.count()));
    ::_exit(1);  // their threads are still at work: nothing can be destroyed
  }
  log.say(spdlog::level::info, "stopped");
  return 0;
}

}  // namespace
}  // namespace hangup::server

int main(int argc, char** argv) {
  const auto with = hangup::server::read_flags(argc, argv);
  if (with.exit_code) {
    std::fprintf(with.message_is_error ? stderr : stdout, "%s\n", with.message.c_str());
    return *with.exit_code;
  }
  try {
    return hangup::server::run(with);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "hangup: %s\n", e.what());
    return 1;
  }
}
