#include "server/told_requests.h"

#include <algorithm>

namespace hangup::server {

std::size_t told_requests::count_others(const std::vector<std::uint64_t>& numbers,
                                        std::uint64_t behind) {
  std::size_t known = 0;
  std::erase_if(last_told_, [&](const auto& told) {
    const auto& [request, event] = told;
    const bool is_among = std::binary_search(numbers.begin(), numbers.end(), request);
    known += is_among;
    return !is_among && event <= behind;
  });
  return numbers.size() - known;
}

}  // namespace hangup::server
