// Makes events of what becomes of requests, while somebody looks at them (live_events.h), and
// chooses those that are worth showing one by one when there are many: see `budget`. All others are
// counted.
//
// While nobody looks, only how long work took to stop is kept.
//
// As observer and follower it is called on all serving threads at once, partly under the locks of
// the server (follower.h). It takes no lock but that of live_events, for one step at a time, waits
// for nobody and calls nobody else. look() and all that is const may be called at any time by any
// thread, next_second() by one at a time. Numbers that are read meanwhile may be a few behind.
#pragma once

#include <atomic>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "hangup/http/follower.h"
#include "hangup/http/observer.h"
#include "server/live_events.h"
#include "server/spread_counter.h"
#include "server/stop_times.h"

namespace hangup::server {

// Its own requests are no events: they would only show each other.
inline constexpr std::string_view events_path = "/requests/events";
inline bool is_event_stream(const http::route& to) noexcept {
  return to.path == events_path;
}

// The data of an event: one line of ASCII, whatever text of clients is in it.
std::string line_of(const nlohmann::ordered_json& data);

// That so many were not told; no number: nobody knows. Slow: events that this viewer was too slow
// for. Away: those of the time in which it was away. Gap: nobody has made any, or another server.
// Many: requests, of which there were too many.
live_event left_out(std::optional<std::uint64_t> count, const char* why);

class request_events final : public http::observer, public http::follower {
 public:
  // `to` must outlive it.
  explicit request_events(live_events& to) noexcept : to_(to) {}

  // Whether somebody looks.
  void look(bool does) noexcept { looks_.store(does, std::memory_order_relaxed); }
  // To be called once a second while somebody looks. Returns how many requests were left out since
  // the last call.
  std::uint64_t next_second() noexcept;
  // How many requests were not shown one by one while somebody looked, without those to operators'
  // own pages.
  std::uint64_t left_out() const noexcept { return left_out_.sum(); }
  // How many viewers were refused before they could be one: there were too many.
  std::uint64_t refused_viewers() const noexcept { return refused_viewers_.load(relaxed); }
  const stop_times& stops() const noexcept { return stops_; }
  // Milliseconds since the start of the server.
  double at_ms(http::clock::time_point at) const noexcept { return http::ms(at - start_); }
  // The event for one that began before somebody looked.
  live_event in_flight(const http::request_view& v) const;

  // observer
  void late(const http::late_request& l) noexcept override;
  void ended(const http::request_report& r) noexcept override;
  // follower
  bool looks() const noexcept override { return looks_.load(std::memory_order_relaxed); }
  http::interest begins(const http::request_step& s, bool earlier) noexcept override;
  void enters(const http::request_step& s) noexcept override;
  void context_ended(const http::request_step& s, const cause& why,
                     http::interest wanted) noexcept override;

 private:
  // What is shown in a second at most.
  struct budget {
    static constexpr int begins = 200;         // of requests to a pool or a loop
    static constexpr int begins_on_spot = 20;  // of those that a front thread answers
    static constexpr int hang_ups = 2000;  // requests whose end is heard, though not their begin
    static constexpr int ends = 1000;      // not by an answer: hang-ups, deadlines, failures
    static constexpr int answers = 100;    // refused, or slower than 50 ms
  };
  static constexpr auto relaxed = std::memory_order_relaxed;
  static bool spend(std::atomic<int>& from) noexcept;
  bool is_shown(const http::request_report& r) noexcept;
  template <class Make>
  void add(const Make& make) noexcept;

  live_events& to_;
  const http::clock::time_point start_ = http::clock::now();
  std::atomic<bool> looks_{false};
  std::atomic<int> begins_{budget::begins};
  std::atomic<int> begins_on_spot_{budget::begins_on_spot};
  std::atomic<int> hang_ups_{budget::hang_ups};
  std::atomic<int> ends_{budget::ends};
  std::atomic<int> answers_{budget::answers};
  spread_counter left_out_;
  std::atomic<std::uint64_t> refused_viewers_{0};
  std::uint64_t left_out_before_ = 0;
  stop_times stops_;
};

}  // namespace hangup::server
