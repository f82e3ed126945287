// The settings of the slow work other than databases, of the list of ended requests, and of
// stopping.
#include "server/config_keys.h"

namespace hangup::server {

namespace {

using nlohmann::ordered_json;

form<config::relay_t::upstream_t> one_upstream() {
  using t = config::relay_t::upstream_t;
  return object<t>({
      {"url", &t::url,
       text(
           1, 300,
           R"(^(https?://([A-Za-z0-9.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?|unix:[A-Za-z0-9@/._+-]{1,107})$)"),
       required,
       "Its address: http:// or https://, host and port; or unix: and the path of a Unix socket. "
       "There is no default."},
      {"ca_file", &t::ca_file, text(0, 4096), "",
       "PEM file with the authorities that may sign its certificate, read once at the start; "
       "default: those of the system."},
  });
}

}  // namespace

form<config::spin_t> spin_keys() {
  using t = config::spin_t;
  return object<t>({
      {"allow_deaf", &t::allow_deaf, boolean(), false,
       "Whether look=0 is allowed: work that never checks whether its client is still there, to "
       "show how a late stopper is reported."},
      {"max_deaf_ms", &t::max_deaf, integer(0, 600'000), 5000,
       "Maximum CPU time in milliseconds of a request with look=0, because nothing can stop it."},
  });
}

form<config::search_t> search_keys() {
  using t = config::search_t;
  return object<t>({
      {"root", &t::root, text(0, 4095), "",
       "Directory to search, relative to the directory in which the server was started. A sample "
       "with a relative path that does not exist and cannot be made there is in "
       "$XDG_DATA_HOME/hangup instead (without that variable in ~/.local/share/hangup), or else in "
       "the current directory. Every client of the server can read what is in the directory, "
       "except the server's own files. Nothing outside of it is read. Empty: there is no search "
       "route."},
      {"sample", &t::sample, boolean(), false,
       "Whether to make a folder of sample texts (20 MB) at the start if the directory does not "
       "exist; this also applies to a directory named by an environment variable."},
      {"cross_mounts", &t::cross_mounts, boolean(), false,
       "Whether to search other file systems that are mounted below the directory as well; those "
       "of the kernel (/proc, /sys) are never searched."},
      {"max_matches_limit", &t::max_matches_limit, integer(1, 10'000'000), 100'000,
       "Maximum number of matches that a client may ask for."},
  });
}

form<config::relay_t> relay_keys() {
  using t = config::relay_t;
  return object<t>({
      {"upstreams", &t::upstreams, map_of(chosen_name(32), "One server.", one_upstream()),
       ordered_json::object(),
       "The servers that may be asked, by the name that clients use; without any there is no "
       "/relay."},
      {"targets", &t::targets,
       map_of(chosen_name(32), "Its path there.", text(1, 255, R"(^(/[A-Za-z0-9._~-]+)+$)")),
       ordered_json{{"sim", "/query/sim"},
                    {"sim_task", "/query/sim/task"},
                    {"spin", "/spin"},
                    {"search", "/search"}},
       "The paths that may be requested from the last server, by the name that clients use. A map "
       "given here replaces the default one."},
      {"max_hops", &t::max_hops, integer(1, 64), 8,
       "Maximum number of servers that a request may pass through. A request that has passed "
       "through more, or through this server before, is refused with 508."},
      {"connect_timeout_ms", &t::connect_timeout, integer(1, hour_ms), 2000,
       "Time in milliseconds for the look-up of a name, the connection and the TLS handshake "
       "together."},
      {"stall_timeout_ms", &t::stall_timeout, integer(1, hour_ms), 60'000,
       "Maximum time in milliseconds without a byte from the other server, including the wait for "
       "its first byte."},
      {"max_head_bytes", &t::max_head_bytes, integer(kib, mib), 64 * kib,
       "Maximum size in bytes of the head of its answer, including interim answers and trailers."},
  });
}

form<config::fanout_t> fanout_keys() {
  using t = config::fanout_t;
  return object<t>({
      {"report", &t::report, text(1, 64), "revenue_by_country",
       "Name of the report to run if a request names none."},
      {"max_parts", &t::max_parts, integer(1, 1024), 32,
       "Maximum number of parts of one request; more are refused with 400."},
      {"parts_at_once", &t::parts_at_once, integer(1, 1024), 6,
       "Number of parts, of all requests together, that may query their databases at the same "
       "time. Keep it below the number of connections of a database, because parts beyond that "
       "wait for each other."},
      {"spare_percent", &t::spare_percent, integer(0, 100), 25,
       "Additional parts beyond parts_at_once, in percent (rounded up), which only clients get "
       "that have none running. 0: none."},
      {"wait_ms", &t::wait, integer(0, hour_ms), 2000,
       "Time in milliseconds that a request waits until its first part may run; then it is refused "
       "with 503."},
  });
}

form<config::jobs_t> jobs_keys() {
  using t = config::jobs_t;
  return object<t>({
      {"most", &t::most, integer(1, 100'000), 64,
       "Maximum number of jobs, including those that have ended and have not been removed yet; "
       "further ones are refused with 503."},
      {"max_result_bytes", &t::max_result_bytes, integer(1, gib), 16 * mib,
       "Maximum size of the result of one job in bytes; a job that makes more is stopped and "
       "fails."},
      {"max_total_bytes", &t::max_total_bytes, integer(1, 64 * gib), 128 * mib,
       "Maximum size of the results of all jobs in bytes; they are kept in memory. A job without "
       "room for its result is stopped and fails, and new jobs are refused until there is room."},
      {"deadline_ms", &t::deadline, integer(0, day_ms), 600'000,
       "Time in milliseconds, including the wait for a worker, after which a job is stopped and "
       "fails; 0: none."},
      {"keep_s", &t::keep, integer(1, 604'800), 600,
       "Time in seconds that a job and its result are kept after its end."},
      {"spare_percent", &t::spare_percent, integer(0, 100), 25,
       "Additional jobs and bytes of results, in percent (rounded up), for clients that have less "
       "of both than this; 0: none."},
  });
}

form<config::requests_t> requests_keys() {
  using t = config::requests_t;
  return object<t>({
      {"completed", &t::completed, integer(1, 1'000'000), 1024,
       "Number of completed requests that /requests/ended remembers; the oldest is forgotten "
       "first."},
      {"not_completed", &t::not_completed, integer(1, 1'000'000), 4096,
       "The same for requests that were refused (bad_request, rejected), and once more for all "
       "others, such as hang-ups. The three are kept apart, so that those which are many push no "
       "others out."},
  });
}

form<config::live_t> live_keys() {
  using t = config::live_t;
  return object<t>({
      {"max_viewers", &t::max_viewers, integer(1, 1000), 16,
       "Maximum number of streams of /requests/events at a time; more are refused with 503."},
      {"ring", &t::ring, integer(1, 1'000'000), 1024,
       "Number of events that are kept for viewers of /requests/events. One that is further behind "
       "is told how many were left out."},
  });
}

form<config::stopping_t> stopping_keys() {
  using t = config::stopping_t;
  return object<t>({
      {"announce_seconds", &t::announce, integer(0, 600), 0,
       "Time in seconds for which a server that has been told to stop still accepts new clients "
       "while /readyz answers 503, so that a proxy in front of it can notice."},
      {"drain_seconds", &t::drain, integer(0, 3600), 10,
       "Time in seconds that running requests have to finish before their contexts are ended."},
      {"stop_seconds", &t::stop, integer(1, 600), 5,
       "Time in seconds that handlers have to stop after their contexts have ended."},
  });
}

}  // namespace hangup::server
