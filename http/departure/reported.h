// What an error of a client's socket says of the client, as departure_by() in departure.h, but with
// what else the kernel knows of the connection.
#pragma once

#include "http/departure/departure.h"

namespace hangup::http {

// TCP_USER_TIMEOUT ends a connection on which nothing was taken for that time: that of a client
// that has gone, and also of one that is there and does not read. Only the latter has answered in
// the meantime.
departure reported_error(int fd, int error, transport over) noexcept;

}  // namespace hangup::http
