// The sections of the configuration.
#include "server/config_keys.h"

namespace hangup::server {

const form<config>& config_keys() {
  using nlohmann::ordered_json;
  using t = config;
  static const auto all = [] {
    auto keys = object<t>({
        {"$schema", text(0, 1000), "server.schema.json",
         "The path of this schema, for editors; the server does not read it."},
        {"listen", &t::listen, listen_keys(),
         "The addresses for incoming connections: a host with a port, a Unix socket, and more of "
         "both. Sockets that systemd hands over (LISTEN_FDS) replace all of them."},
        {"admin", &t::admin, admin_keys(),
         "The pages for operators: /, /requests, /jobs, /metrics. Who may ask for them may see and "
         "end every request."},
        {"tls", &t::tls, tls_keys(),
         "TLS on the addresses of listen that are TCP. The files are read again on SIGHUP. Without "
         "files the server "
         "uses plain HTTP."},
        {"log", &t::log, log_keys(), "What is logged and in which format."},
        {"http", &t::http, http_keys(), "Connections and the limits of requests."},
        {"pools", &t::pools, pools_keys(), default_pools(),
         "Pools of workers by name. Each limits how many requests run and how many wait. A map "
         "given here replaces the default one."},
        {"tasks", &t::tasks, tasks_keys(),
         "The threads that run handlers that are tasks: those hold no thread while they wait."},
        {"routes", &t::routes, routes_keys(),
         "The pool of each slow route, or how many of its requests may be in flight, and its "
         "deadline."},
        {"databases", &t::databases, databases_keys(), default_databases(),
         "Databases by name, each served at /query/NAME; a map given here replaces the default "
         "one."},
        {"spin", &t::spin, spin_keys(), "Limits of the route that only computes."},
        {"search", &t::search, search_keys(),
         ordered_json{{"root", "build/corpus"}, {"sample", true}},
         "What the file search may read. A section given here replaces the default one as a "
         "whole."},
        {"relay", &t::relay, relay_keys(),
         "The other servers that are asked on behalf of clients, and the limits of such calls."},
        {"fanout", &t::fanout, fanout_keys(),
         "Limits on the queries of one request to /fanout, and of all such requests together."},
        {"jobs", &t::jobs, jobs_keys(),
         "Jobs: work that goes on after the request that started it."},
        {"requests", &t::requests, requests_keys(), "The list of ended requests."},
        {"live", &t::live, live_keys(), "The stream of events about requests."},
        {"stopping", &t::stopping, stopping_keys(), "The steps of stopping the server."},
    });
    const ordered_json heading{
        {"$schema", "https://json-schema.org/draft/2020-12/schema"},
        {"title", "hangup server configuration"},
        {"description",
         "The names, ranges, defaults and descriptions of all settings. Made by scripts/reference "
         "from the program, which does not read this file."}};
    auto schema = heading;
    schema.update(keys.schema);
    keys.schema = std::move(schema);
    return keys;
  }();
  return all;
}

}  // namespace hangup::server
