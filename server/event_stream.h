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
//
// When the server drains, the streams end by themselves. One whose viewer does not read is ended by
// the second second, with the cause `shutdown`.
//
// Which runs at the same time as which: each viewer is a task of its own, on any thread of the
// loop; one more task counts the seconds while events are made, and is the only one that ends
// streams. They share the list of events (live_events.h), the number of viewers (viewer_count.h)
// and what is in flight in this second, each under a lock of its own. No lock is held while another
// is taken but the one of viewer_count, under which the last is emptied, and none across a wait.
// close() and what is const may be called by any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "hangup/context/task.h"
#include "hangup/http/server.h"
#include "hangup/worker/loop.h"
#include "server/event_reader.h"
#include "server/live_events.h"
#include "server/request_events.h"
#include "server/viewer_count.h"

namespace hangup::server {

class event_stream {
 public:
  struct options {
    std::string instance;  // the server's, as other pages tell it
    std::size_t max_viewers = 0;
    std::size_t ring = 0;  // how many events are kept
    loop& on;
    // What the first event and those of each second have, besides what is known here. They are
    // called on threads of the loop, by several at once.
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
  // All streams end now, well, if they are read. New ones are refused.
  void close() noexcept { events_.close(); }

  request_events& requests() noexcept { return requests_; }
  std::size_t viewers() const noexcept { return viewers_.now(); }
  std::uint64_t refused_viewers() const noexcept { return requests_.refused_viewers(); }
  // What was not shown, in all: events that viewers were too slow for, and requests of which there
  // were too many.
  std::uint64_t missed() const noexcept { return events_.missed(); }
  std::uint64_t left_out() const noexcept { return requests_.left_out(); }

 private:
  class viewer;

  task<> answer(context ctx, http::request& req, http::reply& res);
  task<> each_second(context ctx);
  bool another_second();
  void end_unread();
  in_flight_now look_around();
  void look(bool does);
  nlohmann::ordered_json stats() const;
  std::string hello() const;

  http::server& of_;
  const options how_;
  live_events events_;
  request_events requests_;
  mutable std::mutex mutex_;
  std::shared_ptr<const in_flight_now> in_flight_;  // guarded by mutex_
  bool was_closed_ = false;                         // a second ago; of the task that counts them
  viewer_count viewers_;
  const cancelable living_;
};

}  // namespace hangup::server
