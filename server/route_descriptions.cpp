#include "server/route_descriptions.h"

namespace hangup::server {
namespace {

constexpr std::string_view spot = "http.spot_deadline_ms";
constexpr std::string_view a_database = "a database in `databases`";
constexpr std::string_view with_peers = "`admin.peers`";
constexpr std::string_view no_wait = "Nothing to stop: the answer is ready immediately.";
constexpr std::string_view writing = "Generating the page stops.";
constexpr std::string_view in_the_engine =
    "The query is stopped in the engine: SQLite asks for the context while it runs, PostgreSQL "
    "gets a cancel request.";

const parameter_description report_name{"report", "one of the reports of the database", "",
                                        "The report. `GET /query` lists them."};
const parameter_description detach{
    "detach", "0 or 1", "0", "1: the report becomes a job, the answer is 202 with its address."};
const parameter_description report_arguments{
    "...", "what the report says", "what the report says",
    "The parameters of the report, by name. `GET /query` lists them with their ranges and "
    "defaults."};

const std::vector<parameter_description> rows_of_sim{
    {"rows", "a whole number 0..1000000", "100",
     "How many rows there are; at most 10000 with `stream=0`."},
    {"row_ms", "a whole number 0..600000", "10", "Time for each row in milliseconds."},
    {"stream", "0 or 1", "1", "Whether rows are sent as they come."}};

const parameter_description only_route{"route", "1..256 bytes", "all",
                                       "Only requests of this route, as `GET /` lists it."};
const parameter_description reason{"reason", "1..200 bytes", "none",
                                   "Why, for the client and the log."};
constexpr std::string_view after_what = "a whole number 0..9223372036854775807";

parameter_description entries(std::string_view allowed, std::string_view otherwise) {
  return {"limit", allowed, otherwise, "How many entries are listed at most."};
}

}  // namespace

const std::vector<route_description>& route_descriptions() {
  static const std::vector<route_description> all{
      {"GET", "/", "/", spot, "",
       "The [live page](live-page.md) for a browser. Else the routes of this server, as plain "
       "text, or as JSON with `Accept: application/json`.",
       no_wait},
      {"GET", "/query/sim", "/query/sim?rows=3&row_ms=10", "routes.query_sim.deadline_ms", "",
       "The simulated database: rows that each take their time, as NDJSON while they come, or with "
       "`stream=0` as one JSON document.",
       "The wait for the next row ends.", rows_of_sim},
      {"GET", "/query/sim/task", "/query/sim/task?rows=3&row_ms=10",
       "routes.query_sim_task.deadline_ms", "",
       "The same as a task: it holds no thread while it waits, so as many can wait as "
       "`routes.query_sim_task.max_in_flight` allows.",
       "The wait for the next row ends.", rows_of_sim},
      {"GET",
       "/spin",
       "/spin?ms=10",
       "routes.spin.deadline_ms",
       "",
       "Computes for a time, and answers how much CPU time that has used.",
       "The computation looks at its context at least every 100 microseconds.",
       {{"ms", "a whole number 0..600000", "100",
         "CPU time in milliseconds; at most `spin.max_deaf_ms` with `look=0`."},
        {"look", "0 or 1", "1",
         "Whether the computation looks at its context. 0 is refused unless `spin.allow_deaf` is "
         "true: such work is reported as a late stopper."}}},
      {"GET",
       "/search",
       "/search?pattern=anvil&max_matches=3",
       "routes.search.deadline_ms",
       "`search.root`",
       "Searches the files below the root: a line of JSON for each match, then a summary.",
       "The search looks at its context between bounded reads, then closes its files.",
       {{"pattern", "1..1000 bytes", "", "The text that is searched for, or the expression."},
        {"path", "1..12285 bytes", ".", "The file or folder below the root that is searched."},
        {"regex", "0 or 1", "0", "Whether the pattern is a regular expression of RE2."},
        {"max_matches", "a whole number 1..100000", "100000",
         "After so many matches the search ends; at most `search.max_matches_limit`."}}},
      {"GET", "/query", "/query", spot, "",
       "The databases, their reports, and the parameters that those take, as JSON.", no_wait},
      {"GET",
       "/query/{database}",
       "/query/sqlite?report=top_customers&n=3",
       "databases.{database}.deadline_ms",
       a_database,
       "The rows of a report as NDJSON while they come, or as CSV with `Accept: text/csv`.",
       in_the_engine,
       {report_name, detach, report_arguments}},
      {"POST",
       "/query/{database}",
       "",
       "databases.{database}.deadline_ms",
       a_database,
       "Starts the report as a job, which goes on when the request is over, and answers 202 at "
       "once. A page of another origin gets a 403.",
       "Nobody waits for the job: it goes on. `DELETE /jobs/{id}` stops it.",
       {report_name,
        {"detach", "1", "required", "Only so a POST starts a job."},
        report_arguments}},
      {"GET",
       "/fanout",
       "/fanout?parts=4",
       "routes.fanout.deadline_ms",
       a_database,
       "A report asked for in parts that run at the same time; their rows in the order of the "
       "parts.",
       "All parts are stopped in their engines. So are the others when one part fails.",
       {{"parts", "a whole number 1..32", "4", "How many parts; at most `fanout.max_parts`."},
        {"report", "1..64 bytes", "`fanout.report`", "The report."},
        {"database", "1..64 bytes", "all that have the report, in turns", "The database."},
        {"fail", "a whole number 0..3", "none",
         "The number of a part that fails, to see what becomes of the others."},
        {"after_ms", "a whole number 0..3600000", "0", "When that part fails, in milliseconds."},
        report_arguments}},
      {"GET",
       "/relay",
       "",
       "routes.relay.deadline_ms",
       "an upstream in `relay.upstreams`",
       "Asks another server and sends its answer on while it comes.",
       "The call is closed, so that the other server notices the hang-up, too.",
       {{"hops", "a whole number 1..8", "1",
         "1: the upstream is asked for the target. More: for its own `/relay`, with one hop less. "
         "At most `relay.max_hops`."},
        {"upstream", "1..32 bytes", "next", "A name of `relay.upstreams`."},
        {"target", "1..32 bytes", "sim", "A name of `relay.targets`."},
        {"...", "what the target says", "what the target says", "All other parameters go along."}}},
      {"GET",
       "/jobs",
       "/jobs",
       spot,
       a_database,
       "The jobs, newest first, as JSON.",
       writing,
       {entries("a whole number 1..100000", "100")}},
      {"GET", "/jobs/{id}", "", spot, a_database,
       "One job: its state (`queued`, `running`, `done`, `failed`, `canceled`), its times, rows, "
       "bytes and cause.",
       no_wait},
      {"GET",
       "/jobs/{id}/result",
       "",
       "routes.job_result.deadline_ms",
       a_database,
       "What the job has made. 409 with `Retry-After` until it is done, 410 if it never will be.",
       "The wait ends; the result is sent no further; the job goes on and keeps it.",
       {{"wait", "0 or 1", "0",
         "Whether to wait until the job is over, in place of a 409. The deadline gives a 504."}}},
      {"DELETE", "/jobs/{id}", "", spot, a_database,
       "Stops a job that waits or runs; forgets one that is over. A page of another origin gets a "
       "403.",
       no_wait},
      {"GET",
       "/requests",
       "/requests",
       spot,
       "",
       "How many requests are in flight, and these, oldest first: number, id, route, state, age, "
       "client, pool and cause, as JSON, or as CSV with `Accept: text/csv`. If there are more, "
       "`Link` has the next page.",
       writing,
       {only_route,
        {"state", "received, queued, running, waiting, writing, stopping", "all",
         "Only requests in this state. `stopping`: the context has ended, and the work has not."},
        entries("a whole number 1..100000", "1000"),
        {"after", after_what, "0", "Only requests with a greater number."}}},
      {"GET",
       "/requests/ended",
       "/requests/ended?limit=3",
       spot,
       "",
       "The requests that ended last, newest first: end, cause, status, who asked for the end, "
       "when "
       "the context ended and when the work stopped (CLOCK_MONOTONIC, nanoseconds). As JSON, or as "
       "CSV with `Accept: text/csv`. If there are more, `Link` has the next page.",
       writing,
       {only_route,
        {"end",
         "completed, client_closed, client_reset, client_vanished, deadline, shutdown, operator, "
         "rejected, failed, bad_request",
         "all", "Only requests with this end."},
        {"since", "nanoseconds as in ended_ns, or a time ago such as 500ms, 30s, 5m, 2h", "always",
         "Only requests that have ended since then."},
        entries("a whole number 1..100000", "100"),
        {"after", after_what, "the newest", "Where to go on: from `Link` of the page before."}}},
      {"DELETE",
       "/requests/{number}",
       "",
       spot,
       "",
       "Ends one request: 202, the same again while it stops, 404 if there is none. Its client "
       "gets "
       "a 503 with the reason, or an answer that breaks off. A page of another origin gets a 403.",
       no_wait,
       {reason,
        {"server", "1..64 bytes", "this server",
         "The `server` that `/requests` tells: a 404 if it is another one now."}}},
      {"DELETE",
       "/requests",
       "",
       spot,
       "",
       "Ends many requests: 202 and how many have been told to stop. One of `route` and "
       "`older_than_ms` must be given. "
       "Requests for operators' pages are left alone.",
       no_wait,
       {only_route,
        {"older_than_ms", "a whole number 0..1000000000", "0",
         "Only requests that began at least so many milliseconds ago."},
        reason}},
      {"GET",
       "/requests/events",
       "",
       "",
       "",
       "What becomes of requests, as it happens, in server-sent events: see "
       "[events](events.md).",
       "The stream ends.",
       {{"route", "1..256 bytes", "all routes", "Only events about requests to this route."},
        {"end", "an end", "all ends",
         "Only requests that end so: `completed`, `client_closed` and so on ([ends](#ends))."},
        {"state", "a state", "all states",
         "Only requests that begin or go on in this state, from then on: `received`, `queued`, "
         "`running`, `waiting`, `writing` or `stopping`."},
        {"last_event_id", "the id of an event", "none",
         "The last event that was seen: goes on behind it. The header `Last-Event-ID` says the "
         "same."}}},
      {"GET",
       "/replicas/requests",
       "",
       spot,
       with_peers,
       "What `/requests` of each replica answers, and what kept a replica from it. Each request "
       "has a "
       "`key`. Parameters go along. 502 or 504 if none has answered: see [replicas](replicas.md).",
       "The replicas are asked no further.",
       {entries("a whole number 1..1000", "that of `/requests`")}},
      {"GET",
       "/replicas/requests/ended",
       "",
       spot,
       with_peers,
       "The same of `/requests/ended`.",
       "The replicas are asked no further.",
       {entries("a whole number 1..1000", "that of `/requests/ended`")}},
      {"DELETE", "/replicas/requests/{key}", "", spot, with_peers,
       "Ends one request, on the replica that has it. 404 if none has, 502 or 504 if it does not "
       "answer.",
       "The replica is asked no further."},
      {"DELETE", "/replicas/requests", "", spot, with_peers,
       "`DELETE /requests` on each replica: how many have been told to stop, and by which. 502 "
       "or 504 if none has done it.",
       "The replicas are asked no further."},
      {"GET", "/page/{file}", "", spot, "", "The files that the live page loads.", no_wait},
      {"GET", "/metrics", "/metrics", spot, "",
       "What has been counted, in the text format of Prometheus: see [metrics](metrics.md).",
       writing},
      {"GET", "/healthz", "/healthz", spot, "", "`ok`, for a liveness probe.", no_wait},
      {"GET", "/readyz", "/readyz", spot, "",
       "200, or 503 with what is missing: a database that cannot be reached, a sample that is "
       "damaged, or the server is draining. For a readiness probe.",
       "The question to a database is given up."},
  };
  return all;
}

}  // namespace hangup::server
