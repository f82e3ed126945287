// The last requests that have ended, for GET /requests/ended, in three rings of fixed size,
// so that what strangers can send as often as they like pushes no hang-up out: those that were
// completed, those that were refused (bad_request, rejected), and all others. Thread-safe; costs a
// short lock and a few copies per request. Text from clients is shortened. A request for which
// there is no memory is not listed, but counted as lost.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "hangup/http/observer.h"

namespace hangup::server {

// Which of them; all that is set must hold.
struct ended_filter {
  std::string route{};  // empty: any
  std::optional<http::request_end> end{};
  http::clock::time_point since = http::clock::time_point::min();  // when it ended, or later
};

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
    std::optional<http::asker> by{};  // who asked for the end
  };

  // How many of each are kept; at least 1.
  struct sizes {
    std::size_t completed;
    std::size_t not_completed;  // of those that were refused, and of all others
  };
  using filter = ended_filter;

  explicit ended_requests(sizes of)
      : rings_{ring(of.completed), ring(of.not_completed), ring(of.not_completed)} {}

  void ended(const http::request_report& r) noexcept override;

  // Up to `limit` requests, newest first, that ended before the one with this number. Requests that
  // end meanwhile wait until they are copied, so ask for few at a time.
  static constexpr std::uint64_t newest = UINT64_MAX;
  std::vector<entry> newest_first(std::size_t limit, std::uint64_t before = newest,
                                  const filter& which = {}) const;
  // The number of the last one that newest_first() would return for this limit, however large that
  // is. Empty: there are no more than these.
  std::optional<std::uint64_t> last_of(std::size_t limit, std::uint64_t before,
                                       const filter& which) const;
  // The number that the next one that ends will have.
  std::uint64_t next() const noexcept;
  std::uint64_t lost() const noexcept;

 private:
  enum kind : std::size_t { completed, refused, other, kinds };
  static kind kind_of(http::request_end end) noexcept;

  struct ring {
    explicit ring(std::size_t size) : places(size) {}
    // Of the entries that came before this one, how many there ever were. (Counted, not kept.)
    std::uint64_t count_before(std::uint64_t number) const noexcept;
    // The n-th that came, counted from 1; null: it is not kept any more, or n is 0.
    const entry* nth(std::uint64_t n) const noexcept;

    std::vector<entry> places;
    std::uint64_t count = 0;  // how many there ever were; the place of the n-th is the remainder
  };

  template <class Look>
  void each(std::uint64_t before, const filter& which, const Look& look) const;
  template <class Look>
  std::uint64_t each_of_some(std::uint64_t before, const filter& which, const Look& look) const;

  mutable std::mutex mutex_;
  std::array<ring, kinds> rings_;  // by kind
  entry spare_;                    // filled first, then swapped with the oldest
  std::uint64_t lost_ = 0;
  std::uint64_t last_ = 0;  // the number of the last one
};

}  // namespace hangup::server
