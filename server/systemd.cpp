#include "server/systemd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <system_error>
#include <utility>

#include "http/net/listener.h"
#include "http/wire/number.h"
#include "server/message_text.h"

namespace hangup::server {
namespace {

constexpr int first_socket = 3;  // SD_LISTEN_FDS_START
constexpr int most_sockets = 64;

// Its value; the variable is gone.
std::optional<std::string> taken(const char* variable) {
  const char* const value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): one thread
  auto text = value == nullptr ? std::nullopt : std::optional<std::string>(value);
  ::unsetenv(variable);  // NOLINT(concurrency-mt-unsafe)
  return text;
}

std::optional<int> number(const std::string& text) {
  const auto value = http::whole_number<int>(text);
  return value && *value >= 0 ? value : std::nullopt;
}

std::string number_of_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  constexpr long long per_second = 1'000'000;
  constexpr long long nanoseconds = 1'000;
  return std::to_string(now.tv_sec * per_second + now.tv_nsec / nanoseconds);
}

}  // namespace

supervision take_supervision() {
  supervision all;
  const auto pid = taken("LISTEN_PID");
  const auto count = taken("LISTEN_FDS");
  static_cast<void>(taken("LISTEN_FDNAMES"));
  all.notify_socket = taken("NOTIFY_SOCKET").value_or("");
  if (!pid || !count || number(*pid) != static_cast<int>(::getpid())) {
    return all;
  }
  const auto sockets = number(*count);
  if (!sockets || *sockets > most_sockets) {
    all.wrong = "LISTEN_FDS: found " + shown(*count) + ", allowed an integer 0.." +
                std::to_string(most_sockets);
    return all;
  }
  for (int fd = first_socket; fd < first_socket + *sockets; ++fd) {
    if (!http::is_listening(fd)) {
      all.wrong = "LISTEN_FDS: found descriptor " + std::to_string(fd) +
                  ", which is not a listening stream socket, allowed such of TCP and Unix "
                  "(ListenStream= with Accept=no)";
      return all;
    }
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    all.sockets.push_back(fd);
  }
  return all;
}

notifier::notifier(std::string socket, std::function<void(const std::string&)> warn,
                   std::chrono::milliseconds patience)
    : to_(std::move(socket)), warn_(std::move(warn)), patience_(patience) {}

void notifier::ready(std::string_view status) {
  tell("READY=1\nSTATUS=" + std::string(status), wait::for_room);
}

void notifier::reloading() {
  tell("RELOADING=1\nMONOTONIC_USEC=" + number_of_microseconds(), wait::no);
}

void notifier::stopping(std::string_view status) {
  tell("STOPPING=1\nSTATUS=" + std::string(status), wait::no);
}

void notifier::tell(const std::string& state, wait how) noexcept {
  if (to_.empty()) {
    return;
  }
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if ((to_.front() != '/' && to_.front() != '@') || to_.size() >= sizeof at.sun_path) {
    fail(EAFNOSUPPORT);
    return;
  }
  to_.copy(at.sun_path, to_.size());
  if (to_.front() == '@') {
    at.sun_path[0] = '\0';
  }
  if (!socket_) {
    socket_ = http::descriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    constexpr auto per_second = std::chrono::milliseconds(std::chrono::seconds(1)).count();
    const timeval longest{static_cast<time_t>(patience_.count() / per_second),
                          static_cast<suseconds_t>(patience_.count() % per_second * per_second)};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
  }
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + to_.size());
  if (!socket_ || ::sendto(socket_.get(), state.data(), state.size(),
                           MSG_NOSIGNAL | (how == wait::no ? MSG_DONTWAIT : 0),
                           reinterpret_cast<const sockaddr*>(&at), size) < 0) {
    fail(errno);
  }
}

void notifier::fail(int error) noexcept {
  if (!std::exchange(failed_, true)) {
    try {
      warn_("NOTIFY_SOCKET: " + shown(to_) +
            " cannot be told: " + std::generic_category().message(error));
    } catch (...) {  // there is no memory for a line of the log
    }
  }
}

}  // namespace hangup::server
