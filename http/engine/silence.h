// Clients that vanish without a FIN or a RST: TCP asks them whether they are still there.
#pragma once

namespace hangup::http::detail {

// Turns on keep-alive probes (tcp(7)), unless the program has done that: a client that has vanished
// is found after 25 s, and one that takes no data after 30 s. Only for TCP. A socket that listens
// gives this to those that are accepted from it.
void ask_silent_clients(int socket) noexcept;

}  // namespace hangup::http::detail
