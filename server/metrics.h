// The server's counters, for GET /metrics in the text format of Prometheus. Counting a request
// takes a few relaxed atomic additions at the index of its route, without a lock or a look-up.
// Gauges that other objects keep (pools, connections) are read when the page is requested.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include "handlers/histogram.h"
#include "handlers/query/named_database.h"
#include "hangup/http/observer.h"
#include "hangup/http/reply.h"
#include "hangup/http/server.h"
#include "hangup/worker/pool.h"

namespace hangup::server {

class metrics final : public http::observer, public prometheus::Collectable {
 public:
  // To be made after all routes have been added to the server and before it listens. The arguments
  // must outlive it.
  metrics(const http::server& server, std::vector<const pool*> pools,
          std::function<std::uint64_t()> log_lines_dropped,
          std::vector<const query::named_database*> sources = {});

  // Adds further families to the page; `more` must outlive this object. Before the first Collect().
  void include(const prometheus::Collectable& more) { more_.push_back(&more); }

  void reached(http::limit l) noexcept override;
  void began(const http::route& to) noexcept override;
  void late(const http::late_request& l) noexcept override;
  void ended(const http::request_report& r) noexcept override;

  // What all routes have in sum.
  struct summary {
    std::array<std::uint64_t, http::request_ends> ends{};
    std::uint64_t wasted_ns = 0;
    std::uint64_t saved_ns = 0;
    std::uint64_t saved_at_most_ns = 0;  // beside saved_ns
    std::int64_t late = 0;
  };
  summary sum() const noexcept;

  std::vector<prometheus::MetricFamily> Collect() const override;
  std::string text() const;
  // Writes the same text to a client, one family at a time.
  std::error_code write(const context& ctx, http::body_writer& out) const;

 private:
  void collect_databases(std::vector<prometheus::MetricFamily>& all) const;

  static constexpr std::array<double, 12> stop_bounds = {
      0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.1, 1, 10};
  struct of_route {
    std::array<std::atomic<std::uint64_t>, http::request_ends> ends{};
    std::atomic<std::uint64_t> began{0};
    handlers::histogram<stop_bounds, std::atomic<std::uint64_t>> stops;
    std::atomic<std::uint64_t> wasted_ns{0};
    std::atomic<std::uint64_t> saved_ns{0};
    std::atomic<std::uint64_t> saved_at_most_ns{0};
    std::atomic<std::int64_t> late{0};
    std::atomic<std::uint64_t> late_total{0};
  };

  const http::server& server_;
  const std::vector<const http::route*> routes_;
  const std::vector<const pool*> pools_;
  const std::function<std::uint64_t()> log_lines_dropped_;
  const std::vector<const query::named_database*> databases_;
  std::vector<const prometheus::Collectable*> more_;
  // For each index of a route, the first index with the same path.
  const std::vector<std::size_t> of_path_;
  std::vector<of_route> counts_;  // by that index
  std::array<std::atomic<std::uint64_t>, http::limit_kinds> reached_{};
};

}  // namespace hangup::server
