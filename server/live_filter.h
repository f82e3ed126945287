// Which of the events about single requests somebody wants to see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "server/live_events.h"

namespace hangup::server {

// All that is set must hold of a request, though not at the same time: it begins or goes on in this
// state at some time, and ends so, or its context does.
struct live_filter {
  std::string route{};  // empty: all of them
  std::optional<http::request_end> end{};
  std::string state{};  // empty: any

  // The parameters route, end and state. If one is not allowed, `res` is a 400 that says so.
  static std::optional<live_filter> of(const http::request& req, http::reply& res);
};

// Chooses, of the events of one viewer in their order, those about requests for which the filter
// holds: from the event on by which that is known. For one thread.
class live_selection {
 public:
  explicit live_selection(live_filter which) : which_(std::move(which)) {}

  struct choice {
    bool passes = false;
    // The begin of the request, which was held back until now. To be sent before.
    std::shared_ptr<const live_event> began{};
  };
  choice look_at(const std::shared_ptr<const live_event>& e);

  // Whether it depends on earlier events what it lets through.
  bool remembers() const noexcept { return which_.end || !which_.state.empty(); }

 private:
  struct known {
    bool state = false;  // was in the state
    bool end = false;
    bool told = false;  // its begin was let through
    std::shared_ptr<const live_event> began{};
  };
  // Of some requests no end is told. When there are more than these, the oldest is forgotten.
  static constexpr std::size_t most_known = 4096;

  const live_filter which_;
  std::map<std::uint64_t, known> known_;
};

}  // namespace hangup::server
