#include "http/departure/reported.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

namespace hangup::http {
namespace {

// The kernel asks a client that does not read whether it still does not, twice as late each time:
// so the last answer is at most about half as old as the whole time.
bool has_answered(int fd) noexcept {
  tcp_info known{};
  socklen_t size = sizeof known;
  unsigned in_all = 0;  // milliseconds
  socklen_t size_of_time = sizeof in_all;
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &known, &size) == 0 &&
         ::getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &in_all, &size_of_time) == 0 &&
         known.tcpi_last_ack_recv < std::uint64_t{in_all} * 3 / 4;
}

}  // namespace

departure reported_error(int fd, int error, transport over) noexcept {
  const auto how = departure_by(error, over);
  return how == departure::vanished && error == ETIMEDOUT && has_answered(fd) ? departure::unread
                                                                              : how;
}

}  // namespace hangup::http
