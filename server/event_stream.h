// GET /requests/events: what becomes of requests, as it happens, in server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html). Each viewer is a task, which
// holds no thread, and reads at its own pace. While there is no viewer, and has been none for some
// seconds, nothing is done: that long a client that comes back finds what it has missed.
//
//   hello  began...  stats  {began state context_ended late ended left_out stats}...
//
// An id is <instance>-<epoch>-<number>. The instance is the server's, from start to stop. An epoch
// is the time in which events are made without a break: of what happened between two of them
// nobody knows. A client that comes back from the same epoch goes on behind its last event, if that
// is still kept. Any other is told what is in flight, and that events were left out.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "hangup/context/task.h"
#include "hangup/http/server.h"
#include "hangup/worker/loop.h"
#include "server/live_events.h"
#include "server/live_filter.h"
#include "server/request_events.h"

namespace hangup::server {

class event_stream {
 public:
  struct options {
    std::size_t max_viewers = 0;
    std::size_t ring = 0;  // how many events are kept
    loop& on;
    // What the first event and those of each second have, besides what is known here.
    std::function<nlohmann::ordered_json()> hello;
    std::function<nlohmann::ordered_json()> stats;
    // For so long after the last viewer events are still made, for a client that comes back.
    std::chrono::seconds kept_for{10};
  };

  // `of` must outlive all requests to it, and this must outlive `of`.
  event_stream(http::server& of, options how);
  ~event_stream();
  event_stream(const event_stream&) = delete;
  event_stream& operator=(const event_stream&) = delete;

  // Adds the route. Before the server listens.
  void add_route();
  // All streams end now, well. New ones are refused.
  void close() noexcept { events_.close(); }

  request_events& requests() noexcept { return requests_; }
  std::size_t viewers() const noexcept { return viewers_.load(std::memory_order_relaxed); }
  // What was not shown, in all: events that viewers were too slow for, and requests of which there
  // were too many.
  std::uint64_t missed() const noexcept { return events_.missed(); }
  std::uint64_t left_out() const noexcept { return requests_.left_out(); }

 private:
  class viewer;
  struct begins;
  struct position;

  task<> answer(context ctx, http::request& req, http::reply& res);
  task<> each_second(context ctx);
  bool append_more(std::string& to, position& at, live_selection& chosen, const begins& shown);
  void remember(live_selection& chosen, std::uint64_t up_to);
  std::string stats_for(const position& at, std::string_view of_all) const;
  bool another_second();
  nlohmann::ordered_json stats() const;
  std::string hello() const;
  live_event stats_event() const;

  http::server& of_;
  const options how_;
  const std::string instance_;
  live_events events_;
  request_events requests_;
  std::atomic<std::size_t> viewers_{0};  // changed under mutex_
  std::mutex mutex_;                     // guards the rest
  std::condition_variable over_;
  bool ticks_ = false;  // each_second() runs
  int seconds_without_viewers_ = 0;
  std::uint64_t epoch_ = 1;
  const cancelable living_;
};

}  // namespace hangup::server
