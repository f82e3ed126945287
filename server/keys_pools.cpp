// The settings of pools and of the loop of tasks, and of the routes that run in them.
#include "server/config_keys.h"

namespace hangup::server {
namespace {

form<config::pool_t> one_pool() {
  using t = config::pool_t;
  return object<t>({
      {"workers", &t::workers, integer(0, 10'000), required,
       "Number of threads, and so of requests that run at the same time; 0: one for each CPU that "
       "the process or its container may use. There is no default."},
      {"queue", &t::queue, integer(0, 1'000'000), 64,
       "Number of requests that may wait for a worker; further ones are refused with 503."},
      {"spare_percent", &t::spare_percent, integer(0, 100), 25,
       "Additional workers and places in the queue, in percent (rounded up), which only clients "
       "get that have less than others. So one client cannot keep the others out. A client is an "
       "IPv4 address or a /64 network of IPv6. 0: none."},
  });
}

constexpr std::string_view meaning_of_half_close =
    "As http.half_close, for this route; default: the value of http.half_close.";

form<config::route_t> one_route(const char* pool, std::int64_t deadline_ms) {
  using t = config::route_t;
  return object<t>({
      {"pool", &t::pool, text(1, 32), pool, "Name of the pool that runs it."},
      {"deadline_ms", &t::deadline, integer(0, day_ms), deadline_ms,
       "Time in milliseconds, including the wait for a worker, after which the request ends with "
       "504; 0: none."},
      {"half_close", &t::on_half_close, one_of_or("default", half_close_words()), "default",
       meaning_of_half_close},
  });
}

form<config::task_route_t> one_task_route(std::int64_t max_in_flight, std::int64_t deadline_ms) {
  using t = config::task_route_t;
  return object<t>({
      {"max_in_flight", &t::max_in_flight, integer(0, 10'000'000), max_in_flight,
       "Number of requests that may be in flight, as no pool limits them; further ones are refused "
       "with 503. 0: no limit."},
      {"deadline_ms", &t::deadline, integer(0, day_ms), deadline_ms,
       "Time in milliseconds after which the request ends with 504; 0: none."},
      {"half_close", &t::on_half_close, one_of_or("default", half_close_words()), "default",
       meaning_of_half_close},
  });
}

}  // namespace

form<std::map<std::string, config::pool_t>> pools_keys() {
  return map_of(chosen_name(32), "One pool.", one_pool());
}

nlohmann::ordered_json default_pools() {
  return nlohmann::ordered_json::parse(R"json({
    "query": {"workers": 64, "queue": 1024, "spare_percent": 25},
    "cpu": {"workers": 0, "queue": 64, "spare_percent": 25},
    "search": {"workers": 4, "queue": 64, "spare_percent": 25}
  })json");
}

form<config::tasks_t> tasks_keys() {
  using t = config::tasks_t;
  return object<t>({
      {"threads", &t::threads, integer(0, 256), 0,
       "Number of threads that run the handlers that are tasks, however many of those wait; 0: as "
       "many as http.front_threads."},
      {"held_after_ms", &t::held_after, integer(0, day_ms), 100,
       "Time in milliseconds after which a task that has not come back to its thread is reported "
       "in "
       "the log: the other tasks of the thread wait for it; 0: none is."},
  });
}

form<config::routes_t> routes_keys() {
  using t = config::routes_t;
  return object<t>({
      {"query_sim", &t::query_sim, one_route("query", 30'000),
       "The query of the simulated database."},
      {"query_sim_task", &t::query_sim_task, one_task_route(100'000, 30'000),
       "The same query as a task, which holds no thread while it waits."},
      {"spin", &t::spin, one_route("cpu", 60'000), "The route that only computes."},
      {"search", &t::search, one_route("search", 30'000),
       "The file search. This route exists only with search.root."},
      {"relay", &t::relay, one_task_route(1'000, 60'000),
       "The call to another server. This route exists only with relay.upstreams."},
      {"fanout", &t::fanout, one_task_route(1'000, 30'000),
       "Several queries for one request. This route exists only with databases."},
      {"job_result", &t::job_result, one_task_route(1'000, 60'000),
       "The answer that sends the result of a job, and waits for it if it is asked to."},
  });
}

}  // namespace hangup::server
