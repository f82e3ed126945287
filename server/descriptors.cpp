#include "server/descriptors.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>

namespace hangup::server {
namespace {

constexpr std::size_t always = 128;  // the log, sets of epoll, threads that wait, refused clients
constexpr std::size_t at_rest = 32;  // those of `always` that there are if nobody asks for much
constexpr std::size_t few_clients = 16;
constexpr std::size_t of_front_thread = 2;  // a set of epoll, and what wakes it; also of tasks
constexpr std::size_t of_sqlite = 5;    // the file, its -wal and -shm, temporary files of a sort
constexpr std::size_t of_postgres = 2;  // the connection, and one that cancels
constexpr std::size_t of_worker = 1;    // each thread that waits on a context keeps one
constexpr std::size_t of_relay = 4;     // the connection to the upstream, and what libcurl waits by
constexpr std::size_t of_search = 16;   // one for each level of folders

std::size_t all(std::size_t n, unsigned spare_percent) noexcept {
  return n + spare(n, spare_percent);
}

}  // namespace

std::size_t descriptors_needed(const config& c) noexcept {
  auto needed = always + of_front_thread * c.tasks.threads + c.http.max_connections;
  const auto workers_of = [&c](const std::string& pool) {
    const auto found = c.pools.find(pool);
    return found == c.pools.end() ? 0 : all(found->second.workers, found->second.spare_percent);
  };
  for (const auto& [name, pool] : c.pools) {
    needed += of_worker * workers_of(name);
  }
  for (const auto& [name, d] : c.databases) {
    needed += (d.kind == "sqlite" ? of_sqlite : of_postgres) * all(d.connections, d.spare_percent);
    needed += of_worker * workers_for_jobs(d.connections);
  }
  if (!c.relay.upstreams.empty()) {
    const auto most = c.routes.relay.max_in_flight;  // 0: any number
    needed +=
        of_relay * (most == 0 ? c.http.max_connections : std::min(most, c.http.max_connections));
  }
  if (!c.search.root.empty()) {
    needed += of_search * workers_of(c.routes.search.pool);
  }
  return needed;
}

std::size_t least_descriptors(const config& c) noexcept {
  return at_rest + of_front_thread * (c.http.front_threads + c.tasks.threads) + few_clients;
}

std::size_t allowed_descriptors() noexcept {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : SIZE_MAX;
}

std::size_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return SIZE_MAX;
  }
  const auto before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
}

}  // namespace hangup::server
