// The part of service.h for operators' pages. It takes the lock that accepting connections takes
// too, and releases it now and then, so that nobody has to wait until all connections have been
// looked at.
#include <algorithm>

#include "http/session/service.h"

namespace hangup::http {
namespace {

constexpr std::size_t kept_bytes = 256;  // of text from a client

request_view view_of(const exchange& x, const std::string& client) {
  const auto* const why = x.ctx.cause();
  return {x.stamp.id,
          x.method.substr(0, kept_bytes),
          x.target.substr(0, kept_bytes),
          x.target.size(),
          client,
          &x.to,
          x.life.state(),
          x.late.load(std::memory_order_relaxed),
          why != nullptr ? describe(*why) : std::string(),
          x.started,
          why != nullptr ? std::optional(why->at) : std::nullopt};
}

}  // namespace

void service::each_in_flight(const std::function<bool(const request_view&)>& look) {
  std::vector<request_view> some;
  all_connections_.each(
      [&](connection& c) {
        const std::lock_guard looking(c.guard);
        if (c.request) {
          some.push_back(view_of(*c.request, c.client()));
        }
      },
      [&] {
        const bool all = std::all_of(some.begin(), some.end(), look);
        some.clear();
        return all;
      });
}

std::array<std::size_t, phases> service::connections() {
  std::array<std::size_t, phases> counts{};
  all_connections_.each(
      [&](const connection& c) {
        ++counts[static_cast<std::size_t>(c.now.load(std::memory_order_relaxed))];
      },
      [] { return true; });
  return counts;
}

}  // namespace hangup::http
