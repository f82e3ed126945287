#include "http/exchange/request_life.h"

#include "http/departure/departure.h"

namespace hangup::http {
namespace {

request_end end_by(int status) noexcept {
  if (status == 503) {
    return request_end::rejected;
  }
  // About the protocol: the client asked for something that is not supported.
  if (status == 501 || status == 505) {
    return request_end::bad_request;
  }
  if (status >= 500 || status == 0) {
    return request_end::failed;
  }
  return status >= 400 ? request_end::bad_request : request_end::completed;
}

}  // namespace

std::string_view name(request_state state) noexcept {
  switch (state) {
    case request_state::received:
      return "received";
    case request_state::queued:
      return "queued";
    case request_state::running:
      return "running";
    case request_state::waiting:
      return "waiting";
    case request_state::writing:
      return "writing";
    case request_state::ended:
      return "ended";
  }
  return "unknown";
}

std::string_view name(request_end end) noexcept {
  switch (end) {
    case request_end::completed:
      return "completed";
    case request_end::client_closed:
      return "client_closed";
    case request_end::client_reset:
      return "client_reset";
    case request_end::client_vanished:
      return "client_vanished";
    case request_end::deadline:
      return "deadline";
    case request_end::shutdown:
      return "shutdown";
    case request_end::operator_request:
      return "operator";
    case request_end::rejected:
      return "rejected";
    case request_end::failed:
      return "failed";
    case request_end::bad_request:
      return "bad_request";
  }
  return "unknown";
}

bool request_life::advance(request_state to) noexcept {
  if (to <= state() || to == request_state::ended) {
    return false;
  }
  state_.store(to, std::memory_order_relaxed);
  return true;
}

request_end request_life::finish(const cause* why, const outcome& answer) noexcept {
  if (state() != request_state::ended) {
    const bool in_time = answer.complete && !answer.left_before_last;
    end_ = why != nullptr && !in_time ? end_of(why->kind)
           : !answer.complete         ? request_end::failed
                                      : end_by(answer.status);
    state_.store(request_state::ended, std::memory_order_relaxed);
  }
  return end_;
}

}  // namespace hangup::http
