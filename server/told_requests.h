// Which of the requests in flight a viewer of events has been told of. That is all it can show;
// of the others it is told how many there are.
//
// For one thread, as is what one viewer is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace hangup::server {

class told_requests {
 public:
  bool has(std::uint64_t request) const { return last_told_.contains(request); }
  // It has been told what this request is, or that it has ended, by the event with this number or
  // when that was the last one.
  void add(std::uint64_t request, std::uint64_t event) { last_told_[request] = event; }
  // `numbers`, the lowest first, were in flight when `behind` was the last event, or have begun
  // later. Returns how many of them it has not been told of. Forgets those that are over, also if
  // their end was left out.
  std::size_t count_others(const std::vector<std::uint64_t>& numbers, std::uint64_t behind);

 private:
  // One that has ended stays until the numbers say so too: they may be older than its end.
  std::unordered_map<std::uint64_t, std::uint64_t> last_told_;
};

}  // namespace hangup::server
