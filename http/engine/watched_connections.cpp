#include "hangup/http/detail/watched_connections.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <utility>

#include "http/engine/silence.h"
#include "http/engine/watched_state.h"

namespace hangup::http::detail {
namespace {

bool listens(int fd) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

}  // namespace

watched_connections::watched_connections() = default;
watched_connections::~watched_connections() = default;

watched_connections::state& watched_connections::shared() {
  const std::lock_guard hold(making_);
  if (!state_) {
    state_ = std::make_unique<state>();
  }
  return *state_;
}

watched_connections::state::~state() {
  end(take());
}

void watched_connections::state::listens_at(int fd) {
  struct stat what {};
  const bool is_open = fd >= 0 && ::fstat(fd, &what) == 0;
  std::shared_ptr<listening> was;
  {
    const std::lock_guard hold(mutex_);
    if (is_open && at_ && at_->inode == what.st_ino) {
      return;
    }
    std::shared_ptr<listening> now;
    if (is_open) {
      now = std::make_shared<listening>();
      now->copy = descriptor::made(::fcntl(fd, F_DUPFD_CLOEXEC, 0), "listening socket");
      // The server may have closed it meanwhile, and its number may be that of something else.
      if (!listens(now->copy.get()) || ::fstat(now->copy.get(), &what) != 0) {
        now = nullptr;
      }
    }
    if (now) {
      now->inode = what.st_ino;
      now->on_shut.emplace(now->shut.ctx, ring{this});
      ask_silent_clients(now->copy.get());
      std::uint32_t generation = 0;
      // To the watcher it is like a Unix socket, whose hang-up needs no error to be one.
      if (const auto ec = ears_.watch(now->copy.get(), transport::unix_socket, now->shut.cancel,
                                      half_close::cancel, generation)) {
        throw std::system_error(ec, "listening socket");
      }
    }
    was = std::exchange(at_, std::move(now));
    if (was) {
      ears_.forget(was->copy.get());
    }
  }
  end(was);
}

context watched_connections::state::server() {
  {
    const std::lock_guard hold(mutex_);
    if (at_) {
      return at_->server.ctx;
    }
  }
  auto over = with_cancel(background());
  over.cancel({.kind = cause_kind::shutdown});
  return over.ctx;
}

void watched_connections::state::stopped() noexcept {
  end(take());
}

std::shared_ptr<watched_connections::state::listening> watched_connections::state::take() noexcept {
  const std::lock_guard hold(mutex_);
  auto was = std::exchange(at_, nullptr);
  if (was) {
    ears_.forget(was->copy.get());
  }
  return was;
}

// Not with the mutex held: this calls functions of the program.
void watched_connections::state::end(const std::shared_ptr<listening>& was) noexcept {
  if (was) {
    was->copy = descriptor();  // the port is free again
    was->server.cancel({.kind = cause_kind::shutdown});
  }
}

}  // namespace hangup::http::detail
