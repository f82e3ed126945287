// The program as a process: flags, signals, its end.
#include <pthread.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>

#include <poll.h>

#include "context/wait.h"
#include "server/probe.h"
#include "server/program.h"
#include "server/schema.h"

namespace hangup::server {
namespace {

// SIGTERM, SIGINT and SIGHUP as something to wait for. Made before any thread: they inherit the
// mask.
class signals {
 public:
  signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int s : {SIGTERM, SIGINT, SIGHUP}) {
      sigaddset(&set, s);
    }
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    fd_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  }
  ~signals() { ::close(fd_); }
  signals(const signals&) = delete;
  signals& operator=(const signals&) = delete;

  // The next signal that asks to stop; none if the context ends first. Calls `reload` for each
  // SIGHUP until then.
  template <class Reload>
  std::optional<int> next_stop(const context& ctx, const Reload& reload) const {
    for (;;) {
      if (wait_fd(ctx, fd_, POLLIN)) {
        return std::nullopt;
      }
      signalfd_siginfo info{};
      if (::read(fd_, &info, sizeof info) != sizeof info) {
        continue;
      }
      if (info.ssi_signo != SIGHUP) {
        return static_cast<int>(info.ssi_signo);
      }
      reload();
    }
  }

 private:
  int fd_;
};

// Each connection is a descriptor: as many as the system allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

// Making a sample takes seconds, in which a signal is heard as well. Null: it was.
std::unique_ptr<program> put_together(const launch& with, const signals& stops) {
  const auto [opening, end] = with_cancel(background());
  const auto [listening, over] = with_cancel(background());
  std::thread listener([&, listening = listening, &end = end] {
    if (stops.next_stop(listening, [] {})) {
      end();
    }
  });
  struct joined {
    ~joined() {
      over();
      thread.join();
    }
    const cancel_func& over;
    std::thread& thread;
  };
  std::unique_ptr<program> made;
  try {
    const joined at_the_end{over, listener};
    made = std::make_unique<program>(opening, with);
  } catch (const canceled_error&) {
  }
  return opening.done() ? nullptr : std::move(made);
}

// "http://127.0.0.1:8080, http://[::1]:8080"
std::string urls(const http::server& s, std::string_view scheme) {
  std::string all;
  for (const auto& at : s.endpoints()) {
    all.append(all.empty() ? "" : ", ").append(scheme).append("://").append(at);
  }
  return all;
}

int run(const launch& with) {
  const config& c = with.settings;
  const signals stops;
  raise_descriptor_limit();
  const auto all = put_together(with, stops);
  if (!all) {
    return 0;
  }
  auto& server = all->server();
  if (const auto ec = server.listen(c.listen.host, c.listen.port)) {
    std::fprintf(stderr, "hangup: cannot listen on host %s, port %u: %s\n",
                 shown(c.listen.host).c_str(), unsigned{c.listen.port}, ec.message().c_str());
    return 1;
  }
  all->log().say(
      spdlog::level::info,
      fmt::format("hangup {} listens on {} with {}, pid {}", HANGUP_VERSION,
                  urls(server, c.tls.key.empty() ? "http" : "https"), with.source, ::getpid()));

  const auto reload = [&] { all->reload(); };
  const auto first = stops.next_stop(background(), reload);
  server.announce_drain();
  const auto announcing = c.stopping.announce.count() > 0 ? fmt::format("not ready for {} s, then ",
                                                                        c.stopping.announce.count())
                                                          : std::string();
  all->log().say(
      spdlog::level::info,
      fmt::format("{}: {}draining for up to {} s; once more ends at once",
                  ::strsignal(first.value_or(SIGTERM)), announcing, c.stopping.drain.count()));
  // A second signal ends the patience; the end of the drain ends the wait for it.
  const auto [unhurried, hurry] = with_cancel(background());
  const auto [drained, over] = with_cancel(background());
  std::thread second([&, drained = drained, &hurry = hurry] {
    if (stops.next_stop(drained, reload)) {
      hurry();
      if (stops.next_stop(drained, reload)) {
        ::_exit(1);
      }
    }
  });
  static_cast<void>(sleep_for(unhurried, c.stopping.announce));  // either way it drains now
  const auto [patience, no_more] = with_timeout(unhurried, c.stopping.drain);
  const auto ec = all->drain(patience);
  over();
  second.join();
  if (ec) {
    std::fprintf(stderr, "hangup: leaving although %s did not stop within %lld s\n",
                 all->unfinished().c_str(), static_cast<long long>(c.stopping.stop.count()));
    ::_exit(1);  // their threads are still at work: nothing can be destroyed
  }
  all->log().say(spdlog::level::info, "stopped");
  return 0;
}

}  // namespace
}  // namespace hangup::server

int main(int argc, char** argv) {
  const auto with = hangup::server::read_flags(argc, argv, environ);
  if (with.exit_code) {
    std::fprintf(with.message_is_error ? stderr : stdout, "%s\n", with.message.c_str());
    return *with.exit_code;
  }
  try {
    if (!with.probe.empty()) {
      const auto wrong = hangup::server::probe(with.probe);
      std::fprintf(stderr, "%s%s", wrong.c_str(), wrong.empty() ? "" : "\n");
      return wrong.empty() ? 0 : 1;
    }
    return hangup::server::run(with);
  } catch (const hangup::server::config_error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "hangup: %s\n", e.what());
    return 1;
  }
}
