#include "server/config.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

#include "server/database_config.h"
#include "server/schema.h"

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

constexpr std::size_t max_levels = 16;
constexpr std::size_t max_file_bytes = 1024 * 1024;

// nlohmann's own reader takes the last of two equal keys, and its errors speak of its parser.
class reader final : public nlohmann::json_sax<json> {
 public:
  reader(std::string_view text, json& out) : text_(text), slot_(&out) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool binary(binary_t&) override { return false; }  // not in JSON

  bool string(string_t& value) override {
    if (value.find('\0') != std::string::npos) {  // the system would cut it there
      return stop_here("found a string with a NUL in it");
    }
    return add(std::move(value));
  }

  bool key(string_t& name) override {
    names_.back() = name;
    const auto [member, is_new] = open_.back()->emplace(name, nullptr);
    slot_ = &member.value();
    return is_new || stop_here("given twice");
  }

  bool start_object(std::size_t) override { return start(json::object()); }
  bool end_object() override { return end(); }
  bool start_array(std::size_t) override { return start(json::array()); }
  bool end_array() override { return end(); }

  bool parse_error(std::size_t read, const std::string& token,
                   const nlohmann::detail::exception& why) override {
    std::size_t from = std::max<std::size_t>(read, 1) - 1;
    if (why.id == 406) {
      return stop(where(from) + "not JSON: number too large");
    }
    if (from >= text_.size()) {
      return stop(where(text_.size()) + "not JSON: unexpected end");
    }
    // `read` counts up to the last byte of what was not expected; a whole string is named whole.
    if (token.size() > 1 && token.front() == '"' && token.back() == '"' &&
        text_.substr(0, read).ends_with(token)) {
      from = read - token.size();
    }
    auto what = text_.substr(from, read - from);
    while (from + what.size() < text_.size() && continues_a_character(text_[from + what.size()])) {
      what = text_.substr(from, what.size() + 1);
    }
    return stop(where(from) + "not JSON: " +
                (what == "/" ? "comments are not allowed" : "unexpected " + shown(what)));
  }

  std::string where(std::size_t offset) const {
    const auto before = text_.substr(0, offset);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    auto in_line = before.substr(before.rfind('\n') + 1);  // npos + 1 == 0
    if (line == 1 && in_line.starts_with("\xef\xbb\xbf")) {
      in_line.remove_prefix(3);
    }
    return "line " + std::to_string(line) + ", column " + std::to_string(characters(in_line) + 1) +
           ": ";
  }

  bool stop(std::string what) {
    found = std::move(what);
    return false;
  }

  problem found;

 private:
  // The innermost open array or object, or the document itself.
  json* put(json value) {
    if (open_.empty() || open_.back()->is_object()) {
      *slot_ = std::move(value);
      return slot_;
    }
    open_.back()->push_back(std::move(value));
    return &open_.back()->back();
  }

  bool add(json value) { return put(std::move(value)) != nullptr; }

  bool start(json value) {
    if (open_.size() == max_levels) {
      return stop("nested deeper than " + std::to_string(max_levels) + " levels");
    }
    open_.push_back(put(std::move(value)));
    names_.emplace_back();
    return true;
  }

  bool end() {
    open_.pop_back();
    names_.pop_back();
    return true;
  }

  bool stop_here(const std::string& what) {
    std::string path;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (open_[i]->is_object()) {
        path += (path.empty() ? "" : ".") + shown_name(names_[i]);
      } else {
        path += "[]";
      }
    }
    return stop(path.empty() ? what : path + ": " + what);
  }

  const std::string_view text_;
  json* slot_;  // where the value of the current key goes
  std::vector<json*> open_;
  std::vector<std::string> names_;  // of each open object the current key
};

problem read_json(std::string_view text, json& out) {
  reader r(text, out);
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    return r.where(nul) + "not JSON: unexpected NUL";  // nlohmann takes it for the end
  }
  json::sax_parse(text, &r);
  return r.found;
}

[[noreturn]] void refuse(std::string_view name, const std::string& what) {
  // A path is shown whole, unless it would not be one line.
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
  throw config_error((plain ? std::string(name) : shown(name)) + ": " + what);
}

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

// The document is complete and every number in it is in its range, so that nothing throws or
// narrows.
config filled(const json& document) {
  config c;
  const auto& listen = document.at("listen");
  take(listen, "host", c.listen.host);
  take(listen, "port", c.listen.port);
  take(listen, "backlog", c.listen.backlog);

  take(document.at("tls"), "certificate", c.tls.certificate);
  take(document.at("tls"), "key", c.tls.key);

  const auto& log = document.at("log");
  take(log, "level", c.log.level);
  take(log, "format", c.log.format);
  take(log, "queue", c.log.queue);

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
  take(http, "write_timeout_ms", c.http.write_timeout);
  take(http, "linger_timeout_ms", c.http.linger_timeout);
  take(http, "late_after_ms", c.http.late_after);
  take(http, "keepalive_idle_s", c.http.keepalive_idle);
  take(http, "keepalive_interval_s", c.http.keepalive_interval);
  take(http, "keepalive_probes", c.http.keepalive_probes);
  take(http, "user_timeout_ms", c.http.user_timeout);

  for (const auto& pool : document.at("pools").items()) {
    take(pool.value(), "workers", c.pools[pool.key()].workers);
    take(pool.value(), "queue", c.pools[pool.key()].queue);
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

  const auto& search = document.at("search");
  take(search, "root", c.search.root);
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
  take(fanout, "wait_ms", c.fanout.wait);

  const auto& jobs = document.at("jobs");
  take(jobs, "most", c.jobs.most);
  take(jobs, "max_result_bytes", c.jobs.max_result_bytes);
  take(jobs, "max_total_bytes", c.jobs.max_total_bytes);
  take(jobs, "deadline_ms", c.jobs.deadline);
  take(jobs, "keep_s", c.jobs.keep);

  take(document.at("requests"), "ended", c.requests.ended);

  take(document.at("stopping"), "drain_seconds", c.stopping.drain);
  take(document.at("stopping"), "stop_seconds", c.stopping.stop);
  return c;
}

// What a schema cannot say: the pool of a route or a database is one of the pools. Without
// upstreams there is no relay, without databases neither a fan-out nor a job.
problem check_pools(const json& document) {
  const auto& pools = document.at("pools");
  for (const auto* const section : {"routes", "databases"}) {
    for (const auto& user : document.at(section).items()) {
      const auto name = user.value().at("pool").get<std::string>();
      const bool of_databases = user.key() == "fanout" || user.key() == "job_result";
      const bool is_there = user.key() == "relay" ? !document.at("relay").at("upstreams").empty()
                            : of_databases        ? !document.at("databases").empty()
                                                  : true;
      if (is_there && !pools.contains(name)) {
        std::vector<std::string> known;
        for (const auto& pool : pools.items()) {
          known.push_back(pool.key());
        }
        return std::string(section) + "." + user.key() + ".pool: found " + shown(name) +
               ", allowed " +
               (known.empty() ? "nothing: there are no pools" : "one of " + listed(known));
      }
    }
  }
  return {};
}

problem check_jobs(const json& document) {
  const auto one = document.at("jobs").at("max_result_bytes").get<std::size_t>();
  const auto all = document.at("jobs").at("max_total_bytes").get<std::size_t>();
  if (all < one) {
    return "jobs.max_total_bytes: found " + std::to_string(all) +
           ", allowed from jobs.max_result_bytes on, which is " + std::to_string(one);
  }
  return {};
}

problem check_tls(const json& document) {
  const auto& tls = document.at("tls");
  for (const auto& [here, there] : {std::pair("certificate", "key"), {"key", "certificate"}}) {
    if (tls.at(here).get<std::string>().empty() && !tls.at(there).get<std::string>().empty()) {
      return std::string("tls.") + here +
             ": found nothing, allowed the path of a PEM file, as tls." + there + " has one";
    }
  }
  return {};
}

std::string contents(const std::string& path) {
  const auto cannot = [&](int error) {
    refuse(path, "cannot be read: " + std::generic_category().message(error));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (!file) {
    cannot(errno);
  }
  std::string text(max_file_bytes + 1, '\0');  // one more, to see that there is more
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get())) {
    cannot(errno);
  }
  if (text.size() > max_file_bytes) {
    refuse(path, "found more than " + std::to_string(max_file_bytes) +
                     " bytes, which is the most allowed");
  }
  return text;
}

}  // namespace

config load(const std::string& path, const std::vector<setting>& settings) {
  return parse(contents(path), path, settings);
}

config parse(std::string_view text, std::string_view name, const std::vector<setting>& settings) {
  json document;
  if (const auto wrong = read_json(text, document)) {
    refuse(name, *wrong);
  }
  if (const auto wrong = config_schema().complete(document)) {
    refuse(name, *wrong);
  }
  for (const auto& wrong :
       {check_pools(document), check_databases(document.at("databases")), check_jobs(document)}) {
    if (wrong) {
      refuse(name, *wrong);
    }
  }
  for (const auto& s : settings) {
    std::string pointer = "/" + s.key;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    auto& value = document.at(json::json_pointer(pointer));
    if (const auto wrong = config_schema().read_text(s.key, s.text, value)) {
      refuse(s.by, *wrong);
    }
  }
  if (const auto wrong = check_tls(document)) {
    refuse(name, *wrong);
  }
  return filled(document);
}

config defaults(const std::vector<setting>& settings) {
  return parse("{}", "built-in defaults", settings);
}

const schema& config_schema() {
  static const schema instance(json::parse(schema_text()));
  return instance;
}

}  // namespace hangup::server
