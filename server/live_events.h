// The last events of requests in flight, numbered 1, 2 ..., and those who read them, each at its
// own pace. An event that is pushed out before a reader has come to it is left out for that reader,
// which learns how many there were. Who adds an event neither waits for a reader nor wakes one: it
// may be the thread whose work is to stop now. So readers look for themselves, now and then.
//
// Thread-safe: all calls may come at the same time. One lock guards the ring; what takes time is
// done without it: making an event, and making its data, which the first reader does for all while
// the others that want it wait. Each reader has a position of its own, `behind`, which is not
// shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hangup/http/request_end.h"

namespace hangup::server {

struct live_event {
  std::string_view name;  // "began"; of static storage
  std::string data{};     // one line of JSON
  // If set, it makes the data, when the first reader wants it.
  std::function<std::string()> make_data{};
  // What it is about; 0 and empty: about no single request.
  std::uint64_t request = 0;
  std::string_view route{};  // as long as the server
  // The state that the request enters, or `stopping`; empty: none. Of static storage.
  std::string_view state{};
  // How it has ended, or will, as its context has ended.
  std::optional<http::request_end> end{};
  // It says what the request is: its target, client and so on.
  bool tells_request = false;
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
  // Nothing more is added.
  void close() noexcept;
  bool is_closed() const noexcept;
  // How many events readers have missed because they were too slow, in all.
  std::uint64_t missed() const noexcept;

  struct numbered {
    std::uint64_t number;
    std::string_view data;
    std::shared_ptr<const live_event> what;
  };
  struct part {
    std::vector<numbered> events;
    std::uint64_t left_out = 0;  // before these
    bool closed = false;         // and none will come
  };
  // The events after `behind`, up to `most`; `behind` becomes the number of the last of them.
  part take(std::uint64_t& behind, std::size_t most);

 private:
  struct kept : live_event {
    explicit kept(live_event e) : live_event(std::move(e)) {}
    mutable std::once_flag made;
    mutable std::string made_data;
  };
  std::uint64_t oldest_kept() const noexcept;

  mutable std::mutex mutex_;  // guards the rest
  std::vector<std::shared_ptr<const kept>> ring_;
  std::uint64_t last_ = 0;
  std::uint64_t missed_ = 0;
  bool closed_ = false;
};

}  // namespace hangup::server
