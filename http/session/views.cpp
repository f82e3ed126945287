// The part of session_runner.h for operators' pages. It takes the lock that accepting connections
// takes too, and releases it now and then, so that nobody has to wait until all connections have
// been looked at.
#include <algorithm>
#include <optional>

#include "http/session/session_runner.h"

namespace hangup::http {
void session_runner::each_in_flight(const std::function<bool(const request_view&)>& look) {
  std::vector<request_view> some;
  all_connections_.each(
      [&](connection& c) {
        c.look_at_request([&](const exchange& x) { some.push_back(x.view(c.client(), c.fd())); });
      },
      [&] {
        const bool all = std::all_of(some.begin(), some.end(), look);
        some.clear();
        return all;
      });
}

std::optional<request_view> session_runner::find_in_flight(std::uint64_t number, int at) {
  std::optional<request_view> found;
  all_connections_.look_at(at, [&](connection& c) {
    c.look_at_request([&](const exchange& x) {
      if (x.number() == number) {
        found = x.view(c.client(), c.fd());
      }
    });
  });
  return found;
}

// Contexts are ended without a lock, as that calls functions that may take it. Those that have been
// asked for are ended in any case: nobody else may ask for them again.
std::size_t session_runner::end_requests(const std::function<bool(const request_view&)>& which,
                                         const cause& why, const asker& by) {
  std::size_t ended = 0;
  std::vector<cancel_handle> some;
  some.reserve(registry::at_once);
  const auto end_some = [&] {
    for (const auto& cancel : some) {
      cancel(why);
    }
    ended += some.size();
    some.clear();
    return true;
  };
  try {
    all_connections_.each(
        [&](connection& c) {
          c.look_at_request([&](exchange& x) {
            if (which(x.view(c.client(), c.fd())) && x.asked_to_end(by)) {
              some.push_back(x.canceler());
            }
          });
        },
        end_some);
  } catch (...) {
    end_some();
    wake_asked_to_end();
    throw;
  }
  if (ended > 0) {
    wake_asked_to_end();
  }
  return ended;
}

ending session_runner::end_request(std::uint64_t number, const cause& why, const asker& by) {
  auto found = ending::unknown;
  std::optional<cancel_handle> cancel;
  all_connections_.each(
      [&](connection& c) {
        c.look_at_request([&](exchange& x) {
          if (x.number() == number) {
            found = x.asked_to_end(by) ? ending::ended : ending::already_stopping;
            if (found == ending::ended) {
              cancel = x.canceler();
            }
          }
        });
      },
      [&] { return found == ending::unknown; });
  if (cancel) {
    (*cancel)(why);
    wake_asked_to_end();
  }
  return found;
}

// Who waits in a queue or runs is woken by its context. What is parked waits for its body or for
// room.
void session_runner::wake_asked_to_end() {
  all_connections_.each(
      [&](connection& c) {
        c.look_at_request([&](const exchange& x) {
          if (x.was_asked_to_end()) {
            c.wake_parked();
          }
        });
      },
      [] { return true; });
}

// Two looks at all, of which the first needs only their times and numbers.
found_in_flight session_runner::follow_oldest(std::size_t most,
                                              const std::function<bool(const route&)>& of) {
  found_in_flight found;
  std::vector<clock::time_point> begins;
  const auto go_on = [] { return true; };
  all_connections_.each(
      [&](connection& c) {
        c.look_at_request([&](const exchange& x) {
          if (of(x.to())) {
            begins.push_back(x.started());
            found.numbers.push_back(x.number());
          }
        });
      },
      go_on);
  std::sort(found.numbers.begin(), found.numbers.end());
  auto latest = clock::time_point::max();
  if (begins.size() > most) {
    const auto last = begins.begin() + static_cast<std::ptrdiff_t>(most) - 1;
    std::nth_element(begins.begin(), last, begins.end());
    latest = *last;
  }
  auto& oldest = found.oldest;
  all_connections_.each(
      [&](connection& c) {
        c.look_at_request([&](exchange& x) {
          if (x.started() <= latest && oldest.size() < most && of(x.to())) {
            if (follower_ != nullptr) {
              x.follow(*follower_, c.client(), true);
            }
            oldest.push_back(x.view(c.client(), c.fd()));
          }
        });
      },
      go_on);
  return found;
}

in_flight_counts session_runner::count_in_flight(const std::function<bool(const route&)>& of) {
  in_flight_counts n;
  all_connections_.each(
      [&](connection& c) {
        c.look_at_request([&](const exchange& x) {
          if (of(x.to())) {
            ++x.counted_in(n);
          }
        });
      },
      [] { return true; });
  return n;
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
