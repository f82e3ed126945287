#include "http/engine/silence.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "hangup/http/options.h"

namespace hangup::http::detail {
namespace {

void set(int socket, int level, int name, int value) noexcept {
  static_cast<void>(::setsockopt(socket, level, name, &value, sizeof value));
}

int get(int socket, int name) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : 0;
}

}  // namespace

void ask_silent_clients(int socket) noexcept {
  if (get(socket, SO_KEEPALIVE) != 0 || get(socket, SO_DOMAIN) == AF_UNIX) {
    return;
  }
  const options usual;
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(usual.keepalive_idle.count()));
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(usual.keepalive_interval.count()));
  set(socket, IPPROTO_TCP, TCP_KEEPCNT, usual.keepalive_probes);
  set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(usual.user_timeout.count()));
}

}  // namespace hangup::http::detail
