#include "http/departure/departure.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "hangup/http/causes.h"

namespace hangup::http {
namespace {

struct means {
  departure how;
  cause_kind kind;
  std::string_view text;  // what the cause says besides its kind
};
constexpr std::array departures{
    means{departure::closed, causes::client_closed, ""},
    means{departure::closed_both, causes::client_closed, ""},
    means{departure::cut_off, causes::client_closed, "TLS was cut off"},
    means{departure::shown_out, causes::client_closed, "shown out, its TLS only made work"},
    means{departure::reset, causes::client_reset, ""},
    means{departure::vanished, causes::client_vanished, ""},
    means{departure::unread, causes::write_timeout, "nothing was taken for user_timeout_ms"},
};

struct leads_to {
  cause_kind kind;
  request_end end;
};
constexpr std::array ends{
    leads_to{causes::client_closed, request_end::client_closed},
    leads_to{causes::client_reset, request_end::client_reset},
    leads_to{causes::client_vanished, request_end::client_vanished},
    leads_to{causes::write_timeout, request_end::client_vanished},
    leads_to{cause_kind::deadline, request_end::deadline},
    leads_to{cause_kind::shutdown, request_end::shutdown},
    leads_to{cause_kind::signal, request_end::shutdown},
    leads_to{causes::operator_request, request_end::operator_request},
};

}  // namespace

departure departure_by(int error, transport over) noexcept {
  // A Unix socket whose client has closed reports no error, and a write to it EPIPE.
  if (over == transport::unix_socket && (error == 0 || error == EPIPE)) {
    return departure::closed_both;
  }
  return error == ETIMEDOUT || error == EHOSTUNREACH ? departure::vanished : departure::reset;
}

bool has_error(std::uint32_t events) noexcept {
  return (events & (EPOLLERR | EPOLLHUP)) != 0;
}

departure departure_of(std::uint32_t events, int error, transport over) noexcept {
  if (has_error(events)) {
    return departure_by(error, over);
  }
  return (events & EPOLLRDHUP) != 0 ? departure::closed : departure::none;
}

cause cause_of(departure how) {
  for (const auto& row : departures) {
    if (row.how == how) {
      return {.kind = row.kind, .text = std::string(row.text)};
    }
  }
  return {.kind = causes::client_closed};
}

request_end end_of(cause_kind kind) noexcept {
  for (const auto& row : ends) {
    if (row.kind == kind) {
      return row.end;
    }
  }
  return request_end::failed;
}

int status_of(request_end end) noexcept {
  switch (end) {
    case request_end::deadline:
      return 504;
    case request_end::shutdown:
    case request_end::operator_request:
      return 503;
    default:
      return 0;
  }
}

}  // namespace hangup::http
