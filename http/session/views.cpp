// The part of session_runner.h for operators' pages. It takes the lock that accepting connections
// takes too, and releases it now and then, so that nobody has to wait until all connections have
// been looked at.
#include <algorithm>

#include "http/session/session_runner.h"

namespace hangup::http {
void session_runner::each_in_flight(const std::function<bool(const request_view&)>& look) {
  std::vector<request_view> some;
  all_connections_.each(
      [&](connection& c) {
        c.look_at_request([&](const exchange& x) { some.push_back(x.view(c.client())); });
      },
      [&] {
        const bool all = std::all_of(some.begin(), some.end(), look);
        some.clear();
        return all;
      });
}

std::array<std::size_t, phases> session_runner::connections() {
  std::array<std::size_t, phases> counts{};
  all_connections_.each(
      [&](connection& c) {
        auto is = c.now.load(std::memory_order_relaxed);
        if (is == phase::running) {
          c.look_at_request([&](const exchange& x) { is = x.waits() ? phase::waiting : is; });
        }
        ++counts[static_cast<std::size_t>(is)];
      },
      [] { return true; });
  return counts;
}

}  // namespace hangup::http
