// The requests that ended last, for GET /requests/ended: a ring of fixed size. Thread-safe; costs a
// short lock and some copies per request. What a client sent is kept shortened. A request for which
// there is no memory is not listed, but counted as lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http/observer.h"

namespace hangup::server {

class ended_requests final : public http::observer {
 public:
  struct entry {
    std::string id;
    std::string method;
    std::string target;
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
  std::vector<entry> newest_first(std::size_t limit) const;
  std::uint64_t lost() const noexcept;

 private:
  mutable std::mutex mutex_;
  std::vector<entry> ring_;
  entry spare_;  // filled first, and then exchanged with the oldest
  std::uint64_t lost_ = 0;
  std::size_t next_ = 0;   // where the next one goes
  std::size_t count_ = 0;  // how many there are
};

}  // namespace hangup::server
