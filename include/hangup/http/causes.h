// The causes that a server adds to those of every context: who ended a request, and how the client
// left.
#pragma once

#include "hangup/context/cause.h"

#pragma GCC visibility push(default)

namespace hangup::http::causes {

namespace text {
inline constexpr cause_kind::description client_closed{"client_closed", "client closed (FIN)"};
inline constexpr cause_kind::description client_reset{"client_reset", "client reset (RST)"};
inline constexpr cause_kind::description client_vanished{"client_vanished",
                                                         "client vanished (no answer)"};
inline constexpr cause_kind::description write_timeout{"write_timeout",
                                                       "client did not read (write timeout)"};
inline constexpr cause_kind::description operator_request{"operator_request",
                                                          "ended by an operator"};
}  // namespace text

// The client closed the connection (FIN).
inline constexpr cause_kind client_closed{text::client_closed};
// The client reset the connection (RST).
inline constexpr cause_kind client_reset{text::client_reset};
// The client stopped answering: keep-alive or the user timeout (tcp(7)) has found that.
inline constexpr cause_kind client_vanished{text::client_vanished};
// The client did not take the response in time.
inline constexpr cause_kind write_timeout{text::write_timeout};
// An operator ended the request.
inline constexpr cause_kind operator_request{text::operator_request};

}  // namespace hangup::http::causes

#pragma GCC visibility pop
