// What operators' pages ask of service.h. Accepting takes the same lock: it is let go of again and
// again, so that nobody waits for as long as a look at all connections takes.
#include <algorithm>
#include <thread>

#include "http/service.h"

namespace hangup::http {
namespace {

constexpr std::size_t at_once = 64;      // connections, before the lock is let go of
constexpr std::size_t kept_bytes = 256;  // of what a client has written

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

// `look` with the lock, at no connection that comes after the begin; `between` without it, whenever
// it has been let go of, until it says that it has seen enough.
template <class Look, class Between>
void service::each_connection(const Look& look, const Between& between) {
  std::unique_lock hold(lot_);
  struct registered : pass {
    explicit registered(service& s, std::unique_lock<std::mutex>& h) : of(s), held(h) {
      at = of.first_;
      next = of.passes_;
      of.passes_ = this;
    }
    ~registered() {
      if (!held.owns_lock()) {
        held.lock();
      }
      auto** here = &of.passes_;
      while (*here != this) {
        here = &(*here)->next;
      }
      *here = next;
    }
    service& of;
    std::unique_lock<std::mutex>& held;
  };
  registered here(*this, hold);
  for (bool enough = false; here.at != nullptr && !enough;) {
    for (std::size_t i = 0; i < at_once && here.at != nullptr; ++i) {
      connection& c = *here.at;
      here.at = c.lot_next;
      look(c);
    }
    hold.unlock();
    std::this_thread::yield();  // to who waits for the lock
    enough = !between();
    hold.lock();
  }
}

void service::each_in_flight(const std::function<bool(const request_view&)>& look) {
  std::vector<request_view> some;
  some.reserve(at_once);
  each_connection(
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
  each_connection(
      [&](const connection& c) {
        ++counts[static_cast<std::size_t>(c.now.load(std::memory_order_relaxed))];
      },
      [] { return true; });
  return counts;
}

}  // namespace hangup::http
