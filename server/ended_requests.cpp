#include "server/ended_requests.h"

#include <algorithm>
#include <new>
#include <utility>

#include "server/request_events.h"

namespace hangup::server {
namespace {

using entry = ended_requests::entry;
constexpr std::uint64_t no_more = 0;

bool is_one(const entry& e, const ended_requests::filter& which) {
  return e.ended >= which.since && (!which.end || e.end == *which.end) &&
         (which.route.empty() || e.route == which.route);
}

}  // namespace

ended_requests::kind ended_requests::kind_of(http::request_end end) noexcept {
  using http::request_end;
  switch (end) {
    case request_end::completed:
      return completed;
    case request_end::bad_request:
    case request_end::rejected:
      return refused;
    default:
      return other;
  }
}

void ended_requests::ended(const http::request_report& r) noexcept {
  constexpr std::size_t kept = 256;  // of a target
  if (is_event_stream(r.to)) {       // who looks at requests pushes none out
    return;
  }
  const std::lock_guard hold(mutex_);
  entry& e = spare_;  // its strings keep their memory
  try {
    e.id = r.id;
    e.method = r.method;
    e.target = r.target.substr(0, kept);
    e.client = r.client;
    e.cause = r.cause;
    e.route = r.to.path;
    e.by = r.by != nullptr ? std::optional(*r.by) : std::nullopt;
  } catch (const std::bad_alloc&) {
    ++lost_;
    return;
  }
  e.number = ++last_;
  e.request = r.number;
  e.target_bytes = r.target.size();
  e.end = r.end;
  e.status = r.status;
  e.started = r.started;
  e.context_ended = r.context_ended;
  e.work_stopped = r.work_stopped;
  e.ended = r.ended;
  ring& to = rings_[kind_of(r.end)];
  std::swap(to.places[++to.count % to.places.size()], spare_);
}

std::uint64_t ended_requests::lost() const noexcept {
  const std::lock_guard hold(mutex_);
  return lost_;
}

std::uint64_t ended_requests::next() const noexcept {
  const std::lock_guard hold(mutex_);
  return last_ + 1;
}

const entry* ended_requests::ring::nth(std::uint64_t n) const noexcept {
  const auto forgotten = count - std::min<std::uint64_t>(count, places.size());
  return n > forgotten ? &places[n % places.size()] : nullptr;
}

std::uint64_t ended_requests::ring::count_before(std::uint64_t number) const noexcept {
  auto least = count - std::min<std::uint64_t>(count, places.size());
  auto most = count;
  while (least < most) {  // numbers grow in a ring
    const auto middle = least + (most - least + 1) / 2;
    if (places[middle % places.size()].number < number) {
      least = middle;
    } else {
      most = middle - 1;
    }
  }
  return least;
}

// Calls `look` with some of those before this number, until it returns false. Returns before which
// number to go on; no_more: all have been looked at, or `look` has seen enough.
template <class Look>
std::uint64_t ended_requests::each_of_some(std::uint64_t before, const filter& which,
                                           const Look& look) const {
  constexpr int at_once = 512;
  const std::lock_guard hold(mutex_);
  std::array<std::uint64_t, kinds> at{};  // in each ring; 0: no entry of it is left
  for (std::size_t k = 0; k < kinds; ++k) {
    at[k] = !which.end || kind_of(*which.end) == k ? rings_[k].count_before(before) : 0;
  }
  for (int i = 0; i < at_once; ++i) {
    const entry* newest_one = nullptr;
    std::size_t of = 0;
    for (std::size_t k = 0; k < kinds; ++k) {
      const auto* const one = rings_[k].nth(at[k]);
      if (one != nullptr && (newest_one == nullptr || one->number > newest_one->number)) {
        newest_one = one;
        of = k;
      }
    }
    if (newest_one == nullptr) {
      return no_more;
    }
    --at[of];
    if (is_one(*newest_one, which) && !look(*newest_one)) {
      return no_more;
    }
    before = newest_one->number;
  }
  return before;
}

// The lock is released now and then.
template <class Look>
void ended_requests::each(std::uint64_t before, const filter& which, const Look& look) const {
  while (before != no_more) {
    before = each_of_some(before, which, look);
  }
}

std::vector<entry> ended_requests::newest_first(std::size_t limit, std::uint64_t before,
                                                const filter& which) const {
  std::vector<entry> list;
  if (limit > 0) {
    each(before, which, [&](const entry& e) {
      list.push_back(e);
      return list.size() < limit;
    });
  }
  return list;
}

std::optional<std::uint64_t> ended_requests::last_of(std::size_t limit, std::uint64_t before,
                                                     const filter& which) const {
  std::uint64_t last = 0;
  std::size_t found = 0;
  each(before, which, [&](const entry& e) {
    last = found < limit ? e.number : last;
    return ++found <= limit;
  });
  return found > limit ? std::optional(last) : std::nullopt;
}

}  // namespace hangup::server
