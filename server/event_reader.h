// What one viewer of /requests/events is told, as text of server-sent events: the begin of its
// stream, and the events behind the last one that it has.
//
// It belongs to the task of its viewer. Nothing here is thread-safe; what it reads from is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "hangup/http/observer.h"
#include "server/live_events.h"
#include "server/live_filter.h"
#include "server/request_events.h"
#include "server/told_requests.h"

namespace hangup::server {

// What was in flight at one time, without the streams of events.
struct in_flight_now {
  std::uint64_t behind = 0;  // the last event before that time
  http::found_in_flight found;
};

// Appends one event.
void append_event(std::string& to, std::string_view name, std::string_view data,
                  std::string_view id = {});

class event_reader {
 public:
  struct sources {
    live_events& events;
    const request_events& requests;
    // As it was in this second; null: not known.
    std::function<std::shared_ptr<const in_flight_now>()> in_flight;
  };
  // `ids`: what all ids begin with. `behind`: the number of the last event that it has. All that
  // `from` refers to must outlive it.
  event_reader(sources from, const live_filter& which, std::string ids, std::uint64_t behind);

  // For a viewer that comes back, before all else: what it was told then, as far as that is kept.
  void remember();
  // The begin of each request that is among the oldest and that it has not been told of.
  void append_oldest(std::string& to, const in_flight_now& now);
  // `of_all`: the numbers that are the same for all viewers.
  void append_stats(std::string& to, std::string_view of_all, const in_flight_now& now) {
    append_stats(to, of_all, now, behind_);
  }
  // The next events. Returns whether nothing more will come.
  bool append_more(std::string& to);

 private:
  void append(std::string& to, const live_events::numbered& e);
  void append_stats(std::string& to, std::string_view of_all, const in_flight_now& now,
                    std::uint64_t number_of_event);

  const sources from_;
  const std::string ids_;
  std::uint64_t behind_;
  const std::uint64_t left_out_before_;  // requests, when it came
  std::uint64_t missed_ = 0;             // events that it was too slow for
  live_selection chosen_;
  told_requests told_;
};

}  // namespace hangup::server
