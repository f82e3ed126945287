#include "server/config.h"

#include "server/database_config.h"

namespace hangup::server {

// Found by nlohmann's get<>().
NLOHMANN_JSON_SERIALIZE_ENUM(log_level, {{log_level::trace, "trace"},
                                         {log_level::debug, "debug"},
                                         {log_level::info, "info"},
                                         {log_level::warn, "warn"},
                                         {log_level::error, "error"}})
NLOHMANN_JSON_SERIALIZE_ENUM(log_format, {{log_format::text, "text"}, {log_format::json, "json"}})

namespace {

using nlohmann::json;

template <class T>
void take(const json& from, const char* key, T& to) {
  from.at(key).get_to(to);
}

template <class Rep, class Period>
void take(const json& from, const char* key, std::chrono::duration<Rep, Period>& to) {
  to = std::chrono::duration<Rep, Period>(from.at(key).get<Rep>());
}

http::half_close half_close_of(const std::string& text) {
  return text == "ignore" ? http::half_close::ignore : http::half_close::cancel;
}

void take(const json& from, const char* key, config::route_t& to) {
  const auto& route = from.at(key);
  take(route, "pool", to.pool);
  take(route, "deadline_ms", to.deadline);
  if (const auto policy = route.at("half_close").get<std::string>(); policy != "default") {
    to.on_half_close = half_close_of(policy);
  }
}

config valid(const document& d, const mistakes& wrong) {
  if (!wrong.empty()) {
    throw config_error(wrong.text());
  }
  return config_of(d);
}

}  // namespace

// The document is complete and every number in it is in its range, so that nothing throws or
// narrows.
config config_of(const document& d) {
  const auto& document = d.values;
  config c;
  const auto& listen = document.at("listen");
  take(listen, "host", c.listen.host);
  take(listen, "port", c.listen.port);
  take(listen, "path", c.listen.path);
  constexpr int octal = 8;
  c.listen.mode =
      static_cast<unsigned>(std::stoul(listen.at("mode").get<std::string>(), nullptr, octal));
  take(listen, "more", c.listen.more);
  take(listen, "backlog", c.listen.backlog);

  take(document.at("tls"), "certificate", c.tls.certificate);
  take(document.at("tls"), "key", c.tls.key);

  const auto& log = document.at("log");
  take(log, "level", c.log.level);
  take(log, "format", c.log.format);
  take(log, "queue", c.log.queue);
  take(log, "skip", c.log.skip);

  const auto& http = document.at("http");
  take(http, "front_threads", c.http.front_threads);
  take(http, "max_connections", c.http.max_connections);
  take(http, "max_connections_per_address", c.http.max_connections_per_address);
  take(http, "max_head_bytes", c.http.max_head_bytes);
  take(http, "max_headers", c.http.max_headers);
  take(http, "max_body_bytes", c.http.max_body_bytes);
  take(http, "body_buffer_bytes", c.http.body_buffer_bytes);
  take(http, "read_ahead_bytes", c.http.read_ahead_bytes);
  take(http, "read_ahead_total_bytes", c.http.read_ahead_total_bytes);
  c.http.on_half_close = half_close_of(http.at("half_close").get<std::string>());
  take(http, "handshake_timeout_ms", c.http.handshake_timeout);
  take(http, "head_timeout_ms", c.http.head_timeout);
  take(http, "idle_timeout_ms", c.http.idle_timeout);
  take(http, "body_timeout_ms", c.http.body_timeout);
  take(http, "body_min_rate", c.http.body_min_rate);
  take(http, "write_timeout_ms", c.http.write_timeout);
  take(http, "write_min_rate", c.http.write_min_rate);
  take(http, "spot_deadline_ms", c.http.spot_deadline);
  take(http, "linger_timeout_ms", c.http.linger_timeout);
  take(http, "late_after_ms", c.http.late_after);
  take(http, "keepalive_idle_s", c.http.keepalive_idle);
  take(http, "keepalive_interval_s", c.http.keepalive_interval);
  take(http, "keepalive_probes", c.http.keepalive_probes);
  take(http, "user_timeout_ms", c.http.user_timeout);

  for (const auto& pool : document.at("pools").items()) {
    take(pool.value(), "workers", c.pools[pool.key()].workers);
    take(pool.value(), "queue", c.pools[pool.key()].queue);
    take(pool.value(), "spare_percent", c.pools[pool.key()].spare_percent);
  }

  const auto& routes = document.at("routes");
  take(routes, "query_sim", c.routes.query_sim);
  take(routes, "spin", c.routes.spin);
  take(routes, "search", c.routes.search);
  take(routes, "relay", c.routes.relay);
  take(routes, "fanout", c.routes.fanout);
  take(routes, "job_result", c.routes.job_result);

  for (const auto& database : document.at("databases").items()) {
    c.databases[database.key()] = read_database(database.value());
  }

  take(document.at("spin"), "allow_deaf", c.spin.allow_deaf);
  take(document.at("spin"), "max_deaf_ms", c.spin.max_deaf);

  const auto& search = document.at("search");
  take(search, "root", c.search.root);
  take(search, "sample", c.search.sample);
  take(search, "cross_mounts", c.search.cross_mounts);
  take(search, "max_matches_limit", c.search.max_matches_limit);

  const auto& relay = document.at("relay");
  for (const auto& upstream : relay.at("upstreams").items()) {
    take(upstream.value(), "url", c.relay.upstreams[upstream.key()].url);
    take(upstream.value(), "ca_file", c.relay.upstreams[upstream.key()].ca_file);
  }
  take(relay, "targets", c.relay.targets);
  take(relay, "max_hops", c.relay.max_hops);
  take(relay, "connect_timeout_ms", c.relay.connect_timeout);
  take(relay, "stall_timeout_ms", c.relay.stall_timeout);
  take(relay, "max_head_bytes", c.relay.max_head_bytes);

  const auto& fanout = document.at("fanout");
  take(fanout, "report", c.fanout.report);
  take(fanout, "max_parts", c.fanout.max_parts);
  take(fanout, "parts_at_once", c.fanout.parts_at_once);
  take(fanout, "spare_percent", c.fanout.spare_percent);
  take(fanout, "wait_ms", c.fanout.wait);

  const auto& jobs = document.at("jobs");
  take(jobs, "most", c.jobs.most);
  take(jobs, "max_result_bytes", c.jobs.max_result_bytes);
  take(jobs, "max_total_bytes", c.jobs.max_total_bytes);
  take(jobs, "deadline_ms", c.jobs.deadline);
  take(jobs, "keep_s", c.jobs.keep);
  take(jobs, "spare_percent", c.jobs.spare_percent);

  take(document.at("requests"), "ended", c.requests.ended);

  take(document.at("stopping"), "announce_seconds", c.stopping.announce);
  take(document.at("stopping"), "drain_seconds", c.stopping.drain);
  take(document.at("stopping"), "stop_seconds", c.stopping.stop);
  return c;
}

config load(const std::string& path, const std::vector<setting>& settings) {
  mistakes wrong;
  const auto d = load_document(path, "", settings, wrong);
  return valid(d, wrong);
}

config parse(std::string_view text, std::string_view name, const std::vector<setting>& settings) {
  mistakes wrong;
  const auto d = read_document(text, name, settings, wrong);
  return valid(d, wrong);
}

config defaults(const std::vector<setting>& settings) {
  return parse("{}", built_in, settings);
}

}  // namespace hangup::server
