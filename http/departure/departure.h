// How a client leaves, and what follows from it. This is the only place where what the kernel or a
// read reports becomes a departure, a departure becomes the cause that ends the request's context,
// and a cause becomes the end and the status that are reported:
//
//   reported by                                  departure   cause            end, status
//   -------------------------------------------- ----------- ---------------- --------------------
//   EPOLLRDHUP alone, a read of 0 bytes,         closed      client_closed    client_closed, 499
//     close_notify of TLS
//   with EPOLLHUP, or EPIPE, on a Unix socket    closed_both client_closed    client_closed, 499
//   a read of 0 bytes without close_notify,      cut_off     client_closed    client_closed, 499
//     or bytes that are not TLS
//   too many TLS records without data            shown_out   client_closed    client_closed, 499
//   EPOLLHUP or EPOLLERR, ECONNRESET, EPIPE      reset       client_reset     client_reset, 499
//   the same with ETIMEDOUT or EHOSTUNREACH      vanished    client_vanished  client_vanished, 499
//   ETIMEDOUT, and it has answered meanwhile     unread      write_timeout    client_vanished, 499
//   it did not read, or read too slowly          -           write_timeout    client_vanished, 499
//   the deadline passed                          -           deadline         deadline, 504
//   the server stops, or has had a signal        -           shutdown, signal shutdown, 503
//   an operator ended it                         -           operator_request operator, 503
//   anything else                                -           any              failed
//
// 499 is never sent: it stands in the log. 503 and 504 are sent if nothing was sent before. Pure
// functions. Not for users.
#pragma once

#include <cstdint>

#include "hangup/context/cause.h"
#include "hangup/http/request_end.h"

namespace hangup::http {

// In the order in which they count: of two that are reported for one client, the later one is true.
enum class departure : std::uint8_t {
  none,
  closed,
  closed_both,  // only a Unix socket tells it from a FIN; it is never a half-close
  cut_off,
  shown_out,
  reset,
  vanished,
  unread  // it is there, and has taken nothing for as long
};

enum class transport : std::uint8_t { tcp, unix_socket };

// The departure that an error of recv(2), send(2) or SO_ERROR means.
departure departure_by(int error, transport over) noexcept;

// Whether the events of epoll(7) or poll(2) say that the socket has an error, which decides then.
bool has_error(std::uint32_t events) noexcept;
// The departure that events mean. `error` is the error of the socket (SO_ERROR), used only if
// has_error(events).
departure departure_of(std::uint32_t events, int error, transport over) noexcept;

cause cause_of(departure how);

// The end of a request whose context has ended with this cause before its answer was complete.
request_end end_of(cause_kind kind) noexcept;

// The status that is sent to a client that waits for the answer of such a request; 0: nothing is
// sent.
int status_of(request_end end) noexcept;

}  // namespace hangup::http
