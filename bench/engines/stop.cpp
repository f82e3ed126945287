#include <sys/socket.h>

#include <random>
#include <thread>

#include "bench/engines/served.h"
#include "bench/http/wire.h"

namespace bench {
namespace {

// There is no event for a gauge; what is measured has its own stamps.
template <class Holds>
void until(const Holds& holds) {
  const auto limit = now_ns() + 60'000'000'000;
  while (!holds()) {
    if (now_ns() > limit) {
      throw std::runtime_error("a query does not begin, or does not end");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

std::uint64_t settled(const hangup::query::database_stats& s) {
  std::uint64_t all = 0;
  for (const auto n : s.idle.counts) {
    all += n;
  }
  return all;
}

// Lets time pass as a client does: one that streams reads what there is.
void stay(int fd, std::int64_t until_ns, bool streams) {
  if (!streams) {
    sleep_until(until_ns);
    return;
  }
  std::array<char, 65536> some;
  while (now_ns() < until_ns && ::recv(fd, some.data(), some.size(), 0) > 0) {
  }
}

}  // namespace

json measure_stop(const engine& e, const endless& what, int samples) {
  served server(e, e.open(4), 4);
  auto& db = server.engine_itself();
  std::mt19937 random(1);
  std::vector<double> heard;
  std::vector<double> free;
  std::vector<double> idle;
  for (int i = 0; i < samples; ++i) {
    const auto id = "stop-" + std::to_string(i);
    const int fd = connect_to(server.port());
    send_all(fd, request("/query?report=" + std::string(what.report) + what.query, id));
    until([&] { return db.now().in_use == 1; });
    stay(fd, now_ns() + 20'000'000 + static_cast<std::int64_t>(random() % 40'000'000),
         what.streams);
    const auto before = db.now();
    const auto left = now_ns();
    hang_up(fd, leaving::fin);
    const auto l = server.await_end_of(id);
    auto after = before;
    until([&] {
      after = db.now();
      return after.in_use == 0 && settled(after) == settled(before) + (e.remote ? 1 : 0);
    });
    if (l.work_stopped == 0) {
      throw std::runtime_error(id + ": was not stopped");
    }
    const auto us = [left](std::int64_t at) { return static_cast<double>(at - left) / 1e3; };
    heard.push_back(us(l.context_ended));
    free.push_back(us(l.work_stopped));
    idle.push_back(
        e.remote ? us(l.context_ended + static_cast<std::int64_t>(after.idle.ns - before.idle.ns))
                 : free.back());
  }
  return {
      {"engine", e.name},           {"report", what.report},           {"samples", samples},
      {"heard_us", summary(heard)}, {"worker_free_us", summary(free)}, {"idle_us", summary(idle)}};
}

}  // namespace bench
