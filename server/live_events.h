// The last events of requests in flight, numbered 1, 2 ..., and those who read them, each at its
// own pace. An event that is pushed out before a reader has come to it is left out for that reader,
// which learns how many there were. Nobody who adds an event ever waits for a reader. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hangup/context/event.h"
#include "hangup/http/request_end.h"

namespace hangup::server {

struct live_event {
  std::string_view name;  // "began"; of static storage
  std::string data{};     // one line of JSON
  // What it is about; 0 and empty: about no single request.
  std::uint64_t request = 0;
  std::string_view route{};  // as long as the server
  std::optional<http::request_end> end{};
  std::optional<http::request_state> state{};
};

class live_events {
 public:
  // Keeps the last `size` events, at least one.
  explicit live_events(std::size_t size);

  // Never throws: an event for which there is no memory is left out for all readers.
  void add(live_event e) noexcept;
  // The number of the last event; 0: there was none.
  std::uint64_t last() const noexcept;
  // The number of the oldest event that is kept, or of the next one if none is.
  std::uint64_t oldest() const noexcept;
  // Nothing more is added, and readers do not wait.
  void close() noexcept;
  // How many events readers have missed because they were too slow, in all.
  std::uint64_t missed() const noexcept;

  // Reads from behind the event with this number on. The list outlives it.
  class reader {
   public:
    reader(live_events& of, std::uint64_t behind);
    ~reader();
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    struct numbered {
      std::uint64_t number;
      std::shared_ptr<const live_event> what;
    };
    struct part {
      std::vector<numbered> events;
      std::uint64_t left_out = 0;  // before these
      bool closed = false;         // and none will come
    };
    // What there is now, up to `most`. If that is nothing, the next event sets `more`.
    part take(std::size_t most);
    event more;

   private:
    friend class live_events;
    live_events& of_;
    std::uint64_t next_;  // guarded, as the rest, by the list's mutex
    bool waits_ = false;
    reader* next_reader_;
  };

 private:
  std::uint64_t oldest_kept() const noexcept;

  mutable std::mutex mutex_;  // guards the rest
  std::vector<std::shared_ptr<const live_event>> ring_;
  std::uint64_t last_ = 0;
  std::uint64_t missed_ = 0;
  bool closed_ = false;
  reader* readers_ = nullptr;
};

}  // namespace hangup::server
