// The configuration as plain values. The names, ranges, defaults and descriptions of the keys are
// in config_keys.h. To add a key, add a line there and a member here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/query/report.h"
#include "hangup/http/half_close.h"
#include "server/config_document.h"

namespace hangup::server {

enum class log_level { trace, debug, info, warn, error };  // in the order of spdlog's levels
enum class log_format { text, json };

// Made only by the functions below: a default-constructed config has only zeros.
struct config {
  struct listen_t {
    std::string host;  // empty: only path and more
    std::uint16_t port = 0;
    std::string path;               // of a Unix socket; empty: none
    unsigned mode = 0;              // of the files of Unix sockets
    std::vector<std::string> more;  // as parse_listen_address() takes them
    int backlog = 0;
    bool operator==(const listen_t&) const = default;
  } listen;

  struct admin_t {
    std::string listen;              // an address; "": decided by `listen`; "same": the same ones
    std::string token_file;          // empty: nobody is asked for a token
    std::vector<std::string> hosts;  // further names that Host may have
    std::vector<std::string> peers;  // "10.0.0.2:8081"
    std::chrono::milliseconds peer_timeout{};
    bool operator==(const admin_t&) const = default;
  } admin;

  struct tls_t {
    std::string certificate;  // both empty: plain HTTP
    std::string key;
    bool operator==(const tls_t&) const = default;
  } tls;

  struct log_t {
    log_level level{};
    log_format format{};
    std::size_t queue = 0;
    std::vector<std::string> skip;  // paths of routes
    bool operator==(const log_t&) const = default;
  } log;

  struct http_t {
    unsigned front_threads = 0;
    unsigned front_loops = 0;
    std::size_t max_connections = 0;
    std::size_t max_connections_per_address = 0;  // 0: no limit
    std::size_t max_head_bytes = 0;
    std::size_t max_headers = 0;
    std::size_t max_body_bytes = 0;
    std::size_t body_buffer_bytes = 0;
    std::size_t read_ahead_bytes = 0;
    std::size_t read_ahead_total_bytes = 0;
    http::half_close on_half_close{};
    std::chrono::milliseconds handshake_timeout{};
    std::chrono::milliseconds head_timeout{};
    std::chrono::milliseconds idle_timeout{};
    std::chrono::milliseconds body_timeout{};
    std::uint64_t body_min_rate = 0;  // bytes per second; 0: none
    std::chrono::milliseconds write_timeout{};
    std::uint64_t write_min_rate = 0;           // bytes per second; 0: none
    std::chrono::milliseconds spot_deadline{};  // 0: none
    std::chrono::milliseconds linger_timeout{};
    std::chrono::milliseconds late_after{};  // 0: late stoppers are not reported
    std::chrono::seconds keepalive_idle{};
    std::chrono::seconds keepalive_interval{};
    int keepalive_probes = 0;
    std::chrono::milliseconds user_timeout{};
    bool operator==(const http_t&) const = default;
  } http;

  struct pool_t {
    unsigned workers = 0;
    unsigned queue = 0;
    unsigned spare_percent = 0;  // additional workers and places in the queue
    bool operator==(const pool_t&) const = default;
  };
  std::map<std::string, pool_t> pools;

  struct tasks_t {
    unsigned threads = 0;                    // of the loop
    std::chrono::milliseconds held_after{};  // 0: threads that are held are not reported
    bool operator==(const tasks_t&) const = default;
  } tasks;

  struct route_t {
    std::string pool;                      // one of `pools`
    std::chrono::milliseconds deadline{};  // 0: none
    std::optional<http::half_close> on_half_close{};
    bool operator==(const route_t&) const = default;
  };
  struct task_route_t {
    std::size_t max_in_flight = 0;         // 0: no limit
    std::chrono::milliseconds deadline{};  // 0: none
    std::optional<http::half_close> on_half_close{};
    bool operator==(const task_route_t&) const = default;
  };
  struct routes_t {
    route_t query_sim;
    task_route_t query_sim_task;
    route_t spin;
    route_t search;
    task_route_t relay;
    task_route_t fanout;
    task_route_t job_result;
    bool operator==(const routes_t&) const = default;
  } routes;

  struct database_t {
    std::string kind;                      // the engine; members of other engines are unused
    std::string pool;                      // one of `pools`
    std::size_t max_in_flight = 0;         // 0: no limit
    std::chrono::milliseconds deadline{};  // 0: none
    std::size_t connections = 0;
    unsigned spare_percent = 0;
    std::chrono::milliseconds wait{};
    std::string file;
    bool sample = false;
    std::uint64_t sample_rows = 0;
    std::string conninfo;  // may contain a password
    std::chrono::milliseconds connect_timeout{};
    std::chrono::milliseconds settle_timeout{};
    bool read_only = false;
    std::map<std::string, query::report> reports;
    bool operator==(const database_t&) const = default;
  };
  std::map<std::string, database_t> databases;

  struct spin_t {
    bool allow_deaf = false;
    std::chrono::milliseconds max_deaf{};
    bool operator==(const spin_t&) const = default;
  } spin;

  struct search_t {
    std::string root;  // empty: there is no search route
    bool sample = false;
    bool cross_mounts = false;
    std::size_t max_matches_limit = 0;
    bool operator==(const search_t&) const = default;
  } search;

  struct relay_t {
    struct upstream_t {
      std::string url;
      std::string ca_file;  // empty: the system's authorities
      bool operator==(const upstream_t&) const = default;
    };
    std::map<std::string, upstream_t> upstreams;  // empty: there is no relay route
    std::map<std::string, std::string> targets;   // name -> path
    unsigned max_hops = 0;
    std::chrono::milliseconds connect_timeout{};
    std::chrono::milliseconds stall_timeout{};
    std::size_t max_head_bytes = 0;
    bool operator==(const relay_t&) const = default;
  } relay;

  struct fanout_t {
    std::string report;
    unsigned max_parts = 0;
    unsigned parts_at_once = 0;
    unsigned spare_percent = 0;  // additional parts
    std::chrono::milliseconds wait{};
    bool operator==(const fanout_t&) const = default;
  } fanout;

  struct jobs_t {
    std::size_t most = 0;
    std::size_t max_result_bytes = 0;
    std::size_t max_total_bytes = 0;
    std::chrono::milliseconds deadline{};  // 0: none
    std::chrono::seconds keep{};
    unsigned spare_percent = 0;  // additional jobs and bytes
    bool operator==(const jobs_t&) const = default;
  } jobs;

  struct requests_t {
    std::size_t completed = 0;
    std::size_t not_completed = 0;
    bool operator==(const requests_t&) const = default;
  } requests;

  struct live_t {
    std::size_t max_viewers = 0;
    std::size_t ring = 0;
    bool operator==(const live_t&) const = default;
  } live;

  struct stopping_t {
    std::chrono::seconds announce{};
    std::chrono::seconds drain{};
    std::chrono::seconds stop{};
    bool operator==(const stopping_t&) const = default;
  } stopping;

  bool operator==(const config&) const = default;
};

// A database that the start makes if its file is not there.
inline bool is_sample(const config::database_t& d) noexcept {
  return d.kind == "sqlite" && d.sample;
}

// The number of workers that the jobs of a database have, with the spare ones: half as many as it
// has connections, so that connections are left for requests.
constexpr std::size_t workers_for_jobs(std::size_t connections) noexcept {
  return connections < 4 ? 1 : connections / 2;
}

// `percent` percent of `of`, rounded up: the reserve for those that have less than others.
constexpr std::size_t spare(std::size_t of, unsigned percent) noexcept {
  return (of * percent + 99) / 100;
}

config config_of(const config_document& d);

// load_document() and read_document() of config_document.h, as plain values. They throw a
// config_error with all mistakes.
config load(const std::string& path, const std::vector<setting>& settings = {});
config parse(std::string_view text, std::string_view name,
             const std::vector<setting>& settings = {});
// The configuration without a file.
config defaults(const std::vector<setting>& settings = {});

}  // namespace hangup::server
