// What the hang-up client needs of sockets and of a server: connections, requests, the two pages
// that tell what became of them, and what the server's process has used. What fails throws
// std::runtime_error: a measurement that is not whole is none.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

namespace bench {

using json = nlohmann::ordered_json;

std::int64_t now_ns() noexcept;  // CLOCK_MONOTONIC, as the stamps of the servers
void sleep_until(std::int64_t at_ns) noexcept;

struct target {
  int port = 0;
  pid_t pid = 0;
};

// To 127.0.0.1, each from the next of some local addresses, so that thousands that have just been
// closed do not take up all ports. Waits until it is connected, or does not (then EPOLLOUT tells).
int connect_to(int port, bool waits = true);

std::string request(const std::string& path, const std::string& id, bool keep = false);
void send_all(int fd, const std::string& text);

enum class leaving { fin, rst };
void hang_up(int fd, leaving how) noexcept;  // closes it

// The body of the answer to a GET on a connection of its own. Waits for 30 s at most.
std::string get(int port, const std::string& path);

// The gauge of requests in flight of a route, from /metrics; 0 if the server has none.
long in_flight(int port, const std::string& route);
// Waits for that gauge.
void await_in_flight(int port, const std::string& route, long count);

struct stop {
  std::int64_t stopped = 0;  // the work saw that its context had ended; 0: it did not, or never ran
  std::int64_t ended = 0;    // the request was over
  std::string end;
};

// The newest `limit` of /requests/ended, by id.
std::unordered_map<std::string, stop> stops(int port, std::size_t limit);

std::int64_t cpu_ns(pid_t pid);  // user and system, all threads
long rss_kib(pid_t pid);

// Waits until the process has come to rest: it uses less than 1 % of a core. For 10 s at most.
void await_rest(pid_t pid);

// {"p50", "p99", "p999", "max"} in the unit of the values; nulls if there are none.
json summary(std::vector<double> values);

}  // namespace bench
