// The last requests that have ended, for GET /requests/ended, in a ring of fixed size. Thread-safe;
// costs a short lock and a few copies per request. Text from clients is shortened. A request for
// which there is no memory is not listed, but counted as lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "hangup/http/observer.h"

namespace hangup::server {

class ended_requests final : public http::observer {
 public:
  struct entry {
    std::uint64_t number = 0;   // 1, 2 ... in the order in which the requests ended
    std::uint64_t request = 0;  // the request's own number
    std::string id;
    std::string method;
    std::string target;            // the first 256 bytes at most
    std::size_t target_bytes = 0;  // the length of the whole target
    std::string client;
    std::string cause;
    std::string route;
    http::request_end end{};
    int status = 0;
    http::clock::time_point started{};
    std::optional<http::clock::time_point> context_ended{};
    std::optional<http::clock::time_point> work_stopped{};
    http::clock::time_point ended{};
  };

  explicit ended_requests(std::size_t size) : ring_(size) {}

  void ended(const http::request_report& r) noexcept override;

  std::size_t size() const noexcept { return ring_.size(); }
  // Up to `limit` requests, newest first, that ended before the one with this number. Requests that
  // end meanwhile wait until they are copied, so ask for few at a time.
  static constexpr std::uint64_t newest = UINT64_MAX;
  std::vector<entry> newest_first(std::size_t limit, std::uint64_t before = newest) const;
  std::uint64_t lost() const noexcept;

 private:
  mutable std::mutex mutex_;
  std::vector<entry> ring_;
  entry spare_;  // filled first, then swapped with the oldest
  std::uint64_t lost_ = 0;
  std::uint64_t last_ = 0;  // the number of the last one; its place is the remainder
};

}  // namespace hangup::server
