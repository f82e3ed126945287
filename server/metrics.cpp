#include "server/metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "server/metric_family.h"

namespace hangup::server {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

std::uint64_t ns_between(http::clock::time_point from, http::clock::time_point to) noexcept {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::nanoseconds(to - from).count()));
}

// All methods of a path are counted together, because the label `route` contains only the path.
std::vector<std::size_t> first_of_path(const std::vector<const http::route*>& all) {
  std::vector<std::size_t> first;
  first.reserve(all.size());
  std::map<std::string_view, std::size_t> known;
  for (const auto* r : all) {
    first.push_back(known.emplace(r->path, first.size()).first->second);
  }
  return first;
}

std::vector<const http::route*> one_of_each_path(const std::vector<const http::route*>& all) {
  const auto first = first_of_path(all);
  std::vector<const http::route*> some;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (first[i] == i) {
      some.push_back(all[i]);
    }
  }
  return some;
}

}  // namespace

metrics::metrics(const http::server& server, std::vector<const pool*> pools,
                 std::function<std::uint64_t()> log_lines_dropped,
                 std::vector<const query::named_database*> sources)
    : server_(server),
      routes_(one_of_each_path(server.routes())),
      pools_(std::move(pools)),
      log_lines_dropped_(std::move(log_lines_dropped)),
      databases_(std::move(sources)),
      of_path_(first_of_path(server.routes())),
      counts_(of_path_.size()) {}

void metrics::reached(http::limit l) noexcept {
  reached_[static_cast<std::size_t>(l)].fetch_add(1, relaxed);
}

void metrics::began(const http::route& to) noexcept {
  counts_[of_path_[to.index]].began.fetch_add(1, relaxed);
}

void metrics::late(const http::late_request& l) noexcept {
  of_route& c = counts_[of_path_[l.to.index]];
  l.over ? c.late.fetch_sub(1, relaxed) : c.late.fetch_add(1, relaxed);
  c.late_total.fetch_add(l.over ? 0 : 1, relaxed);
}

void metrics::ended(const http::request_report& r) noexcept {
  of_route& c = counts_[of_path_[r.to.index]];
  c.ends[static_cast<std::size_t>(r.end)].fetch_add(1, relaxed);
  if (!r.context_ended || !r.work_stopped) {
    return;
  }
  c.stops.add(*r.work_stopped - *r.context_ended);
  if (r.work_ended) {
    c.wasted_ns.fetch_add(ns_between(std::max(*r.context_ended, *r.work_began), *r.work_ended),
                          relaxed);
  }
  if (r.expected && r.work_began) {
    c.saved_ns.fetch_add(ns_between(*r.work_stopped, later(*r.work_began, *r.expected)), relaxed);
  } else if (r.deadline) {
    c.saved_at_most_ns.fetch_add(ns_between(*r.work_stopped, *r.deadline), relaxed);
  }
}

metrics::summary metrics::sum() const noexcept {
  summary all;
  for (const auto& c : counts_) {
    for (std::size_t e = 0; e < all.ends.size(); ++e) {
      all.ends[e] += c.ends[e].load(relaxed);
    }
    all.wasted_ns += c.wasted_ns.load(relaxed);
    all.saved_ns += c.saved_ns.load(relaxed);
    all.saved_at_most_ns += c.saved_at_most_ns.load(relaxed);
    all.late += c.late.load(relaxed);
  }
  return all;
}

std::vector<MetricFamily> metrics::Collect() const {
  std::vector<MetricFamily> all;
  auto& total = family(all, "hangup_requests_total",
                       "Requests that have ended, by the way they ended.", MetricType::Counter);
  for (const auto* r : routes_) {
    for (std::size_t e = 0; e < http::request_ends; ++e) {
      add(total,
          {{"route", r->path}, {"end", std::string(name(static_cast<http::request_end>(e)))}},
          static_cast<double>(counts_[r->index].ends[e].load(relaxed)));
    }
  }
  auto& in_flight =
      family(all, "hangup_requests_in_flight",
             "Requests in flight: from the end of their head to their end.", MetricType::Gauge);
  for (const auto* r : routes_) {
    const auto& c = counts_[r->index];
    std::uint64_t ended = 0;
    for (const auto& n : c.ends) {  // read before `began`, so that the difference is not negative
      ended += n.load(std::memory_order_acquire);
    }
    const auto began = c.began.load(relaxed);
    add(in_flight, {{"route", r->path}}, static_cast<double>(began - std::min(began, ended)));
  }
  auto& stop = family(all, "hangup_stop_seconds",
                      "Time from the end of a request's context until its work has stopped.",
                      MetricType::Histogram);
  for (const auto* r : routes_) {
    add_histogram(stop, {{"route", r->path}}, counts_[r->index].stops);
  }
  auto& wasted = family(all, "hangup_canceled_work_seconds_total",
                        "Time that workers have spent on requests whose context had ended.",
                        MetricType::Counter);
  for (const auto* r : routes_) {
    add(wasted, {{"route", r->path}}, seconds(counts_[r->index].wasted_ns.load(relaxed)));
  }
  auto& saved =
      family(all, "hangup_saved_work_seconds_total",
             "Time that stopped requests would still have worked, where the handler says how long "
             "it takes in all.",
             MetricType::Counter);
  for (const auto* r : routes_) {
    add(saved, {{"route", r->path}}, seconds(counts_[r->index].saved_ns.load(relaxed)));
  }
  auto& saved_at_most =
      family(all, "hangup_saved_work_at_most_seconds_total",
             "Time that stopped requests had left until their deadline, where the handler does not "
             "say how long it takes: at most that is saved.",
             MetricType::Counter);
  for (const auto* r : routes_) {
    add(saved_at_most, {{"route", r->path}},
        seconds(counts_[r->index].saved_at_most_ns.load(relaxed)));
  }

  auto& late = family(
      all, "hangup_late_stoppers",
      "Requests whose work goes on for more than http.late_after_ms after their context has ended.",
      MetricType::Gauge);
  for (const auto* r : routes_) {
    add(late, {{"route", r->path}}, static_cast<double>(counts_[r->index].late.load(relaxed)));
  }
  auto& late_total =
      family(all, "hangup_late_stoppers_total",
             "Requests that have been reported as late stoppers.", MetricType::Counter);
  for (const auto* r : routes_) {
    add(late_total, {{"route", r->path}},
        static_cast<double>(counts_[r->index].late_total.load(relaxed)));
  }

  std::vector<pool::stats> pools;
  std::transform(pools_.begin(), pools_.end(), std::back_inserter(pools),
                 [](const pool* p) { return p->now(); });
  const auto by_pool = [&](const char* name, const char* help, MetricType type, auto value) {
    auto& f = family(all, name, help, type);
    for (std::size_t i = 0; i < pools.size(); ++i) {
      const labels by = {{"pool", pools_[i]->name()}};
      const auto v = static_cast<double>(value(pools[i], *pools_[i]));
      add(f, by, v);
    }
  };
  by_pool("hangup_workers", "Workers that the pool may have at most, the spare ones left out.",
          MetricType::Gauge, [](const pool::stats&, const pool& p) { return p.workers(); });
  by_pool("hangup_spare_workers", "Further workers, for clients who have none of the others.",
          MetricType::Gauge, [](const pool::stats&, const pool& p) { return p.spare_workers(); });
  by_pool("hangup_workers_running", "Workers that run something now.", MetricType::Gauge,
          [](const pool::stats& s, const pool&) { return s.running; });
  by_pool("hangup_queue_depth", "Requests that wait for a worker now.", MetricType::Gauge,
          [](const pool::stats& s, const pool&) { return s.queued; });
  by_pool("hangup_queue_rejected_total", "Requests refused because the queue was full.",
          MetricType::Counter, [](const pool::stats& s, const pool&) { return s.rejected; });
  by_pool("hangup_queue_dropped_total",
          "Requests whose context ended in the queue, so that they were never run.",
          MetricType::Counter, [](const pool::stats& s, const pool&) { return s.dropped; });

  collect_databases(all);

  auto& connections = family(all, "hangup_connections", "Open connections, by what they are doing.",
                             MetricType::Gauge);
  const auto by_phase = server_.connections();
  for (std::size_t i = 0; i < by_phase.size(); ++i) {
    add(connections, {{"state", std::string(name(static_cast<http::phase>(i)))}},
        static_cast<double>(by_phase[i]));
  }
  auto& reached = family(all, "hangup_limit_reached_total",
                         "Times that a client has reached a limit, by limit.", MetricType::Counter);
  for (std::size_t i = 1; i < reached_.size(); ++i) {  // without limit::none
    add(reached, {{"limit", std::string(name(static_cast<http::limit>(i)))}},
        static_cast<double>(reached_[i].load(relaxed)));
  }
  add(family(all, "hangup_log_dropped_total",
             "Log lines that were not written, because the queue was full or nobody reads them.",
             MetricType::Counter),
      {}, static_cast<double>(log_lines_dropped_()));
  for (const auto* more : more_) {
    auto others = more->Collect();
    std::move(others.begin(), others.end(), std::back_inserter(all));
  }
  return all;
}

void metrics::collect_databases(std::vector<MetricFamily>& all) const {
  auto& queries = family(all, "hangup_queries_total",
                         "Queries that have ended, by the way they ended.", MetricType::Counter);
  for (const auto* d : databases_) {
    for (std::size_t e = 0; e < query::query_ends; ++e) {
      const auto end = static_cast<query::query_end>(e);
      add(queries, {{"database", d->name()}, {"end", std::string(query::name(end))}},
          static_cast<double>(d->ended(end)));
    }
  }
  std::vector<query::database_stats> now;
  std::transform(databases_.begin(), databases_.end(), std::back_inserter(now),
                 [](const query::named_database* d) { return d->engine().now(); });
  const auto by_database = [&](const char* name, const char* help, MetricType type, auto member) {
    auto& f = family(all, name, help, type);
    for (std::size_t i = 0; i < now.size(); ++i) {
      const labels by = {{"database", databases_[i]->name()}};
      const auto v = static_cast<double>(now[i].*member);
      add(f, by, v);
    }
  };
  using stats = query::database_stats;
  by_database("hangup_database_connections", "Connections to the database that are open.",
              MetricType::Gauge, &stats::connections);
  by_database("hangup_database_connections_in_use",
              "Connections that queries use, or are about to open.", MetricType::Gauge,
              &stats::in_use);
  by_database("hangup_database_waiting", "Queries that wait for a connection.", MetricType::Gauge,
              &stats::waiting);
  by_database("hangup_database_connections_kept_total",
              "Connections given back by a query and kept for the next one.", MetricType::Counter,
              &stats::kept);
  by_database("hangup_database_connections_dropped_total",
              "Connections closed after a query because they could not be used again.",
              MetricType::Counter, &stats::dropped);
  by_database("hangup_database_cancels_total", "Cancel requests that were sent to the engine.",
              MetricType::Counter, &stats::cancels);

  auto& idle =
      family(all, "hangup_database_idle_seconds",
             "Time from the end of a query's context until its engine is known to be idle.",
             MetricType::Histogram);
  for (std::size_t d = 0; d < now.size(); ++d) {
    add_histogram(idle, {{"database", databases_[d]->name()}}, now[d].idle);
  }
}

std::string metrics::text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, Collect());
  return out.str();
}

std::error_code metrics::write(const context& ctx, http::body_writer& out) const {
  constexpr std::streamoff piece = 16 * 1024;
  const prometheus::TextSerializer serializer;
  std::ostringstream text;
  for (auto& f : Collect()) {
    serializer.Serialize(text, {std::move(f)});
    if (text.tellp() >= piece) {
      if (const auto ec = out.write(ctx, text.str())) {
        return ec;
      }
      text.str({});
    }
  }
  return out.write(ctx, text.str());
}

}  // namespace hangup::server
