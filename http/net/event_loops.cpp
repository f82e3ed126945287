#include "http/net/event_loops.h"

#include <algorithm>
#include <utility>

namespace hangup::http {

event_loops::event_loops(const options& how, event_loop::driver& d) {
  all_.reserve(how.front_loops);
  for (unsigned i = 0; i < how.front_loops; ++i) {
    const bool one_more = i < how.front_threads % how.front_loops;
    const auto threads = how.front_threads / how.front_loops + (one_more ? 1 : 0);
    all_.push_back(std::make_unique<event_loop>(std::max(1U, threads), d));
  }
}

std::error_code event_loops::start(listener on) {
  std::error_code ec;
  for (std::size_t i = all_.size() - 1; i > 0 && !ec; --i) {  // first those that accept nothing
    ec = all_[i]->start({});
  }
  if (!ec) {
    ec = accepting().start(std::move(on));
  }
  if (ec) {
    stop();
  }
  return ec;
}

void event_loops::stop() noexcept {
  for (const auto& loop : all_) {
    loop->stop();
  }
}

}  // namespace hangup::http
