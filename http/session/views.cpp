// The part of service.h for operators' pages. It takes the lock that accepting connections takes
// too, and releases it now and then, so that nobody has to wait until all connections have been
// looked at.
#include <algorithm>
#include <thread>

#include "http/session/service.h"

namespace hangup::http {
namespace {

constexpr std::size_t at_once = 64;      // connections looked at before the lock is released
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

// Calls `look` for each connection with the lock held, but not for those accepted after the start.
// Calls `between` without the lock, each time it has been released, until it returns that it has
// seen enough.
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
    std::this_thread::yield();  // to threads that wait for the lock
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
