#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "bench/http/modes.h"

namespace bench {
namespace {

// CPU-bound requests, at work until they are hung up.
class burning {
 public:
  burning(const target& at, int count) : at_(at) {
    for (int i = 0; i < count; ++i) {
      fds_.push_back(connect_to(at.port));
      send_all(fds_.back(), request("/spin?ms=600000", "burn-" + std::to_string(i)));
    }
    if (count > 0) {
      await_in_flight(at.port, "/spin", count);
    }
  }
  ~burning() {
    for (const int fd : fds_) {
      hang_up(fd, leaving::fin);
    }
  }
  burning(const burning&) = delete;
  burning& operator=(const burning&) = delete;

 private:
  const target at_;
  std::vector<int> fds_;
};

}  // namespace

json latency(const target& at, const latency_options& how, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> hold(how.hold_from_us * 1000, how.hold_to_us * 1000);
  const burning others(at, how.burn);
  std::vector<double> us;
  int missing = 0;
  int unstarted = 0;
  int early = 0;
  int answered = 0;
  for (int done = 0; done < how.count;) {
    std::vector<std::pair<std::string, std::int64_t>> left;
    for (; done < how.count && std::ssize(left) < how.at_a_time; ++done) {
      auto id = "h" + std::to_string(::getpid()) + "-" + std::to_string(done);
      const int fd = connect_to(at.port);
      send_all(fd, request(how.path, id));
      sleep_until(now_ns() + hold(random));
      char byte = 0;
      if (::recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0) {  // refused, or closed
        ++answered;
        ::close(fd);
        continue;
      }
      const auto now = now_ns();
      hang_up(fd, how.how);
      left.emplace_back(std::move(id), now);
    }
    // They are given time to be heard, but one that never is does not hold up the rest. What was
    // found stays found: each look, and the load, pushes older entries out of the page.
    constexpr int looks = 20;
    auto found = stops(at.port, how.page);
    const auto heard = [&found](const auto& one) { return found.contains(one.first); };
    for (int i = 0; i < looks && !std::all_of(left.begin(), left.end(), heard); ++i) {
      sleep_until(now_ns() + 50'000'000);
      found.merge(stops(at.port, how.page));
    }
    for (const auto& [id, closed] : left) {
      const auto it = found.find(id);
      if (it == found.end() || it->second.end == "completed") {
        ++missing;
      } else if (it->second.stopped == 0) {
        ++unstarted;
      } else if (it->second.stopped < closed) {
        ++early;
      } else {
        us.push_back(static_cast<double>(it->second.stopped - closed) / 1000);
      }
    }
  }
  return {{"us", summary(us)}, {"missing", missing},   {"unstarted", unstarted},
          {"early", early},    {"answered", answered}, {"each", us}};
}

}  // namespace bench
