// The program as a process: its first and last thread hears signals and does nothing else, a second
// one has its life, from the flags to the end of the drain. So a signal is heard at any time, and
// the end waits for nothing without a limit: not for a log that nobody reads, nor for what cannot
// be closed.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "context/background_thread.h"
#include "hangup/context/after_func.h"
#include "hangup/context/detail/timer.h"
#include "hangup/context/wait.h"
#include "hangup/version.h"
#include "server/descriptors.h"
#include "server/file_checks.h"
#include "server/listening.h"
#include "server/operators_access.h"
#include "server/probe.h"
#include "server/program.h"
#include "server/schema.h"
#include "server/signals.h"
#include "server/streams.h"
#include "server/systemd.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;

// What signals ask of the program: said by the thread that hears them, to the one that lives.
class requests_to_the_program {
 public:
  // Ends with the first signal that asks to stop, and with the second.
  const context& living() const noexcept { return stop_.ctx; }
  const context& unhurried() const noexcept { return hurry_.ctx; }
  int stopped_by() const noexcept { return stopped_by_; }

  // From now on the program looks at living(), and so a signal need not end the process.
  void listen() noexcept { listens_ = true; }

  // Calls `reload` each time that somebody has asked for it, until the context ends.
  template <class Reload>
  void reload_until(const context& ctx, const Reload& reload) {
    std::unique_lock hold(mutex_);
    while (!wait(ctx, changed_, hold, [this] { return reload_; })) {
      reload_ = false;
      hold.unlock();
      reload();
      hold.lock();
    }
  }

  // On the thread that hears signals.
  void hear(int signal) {
    if (signal == SIGHUP) {
      const std::lock_guard hold(mutex_);
      reload_ = true;
      changed_.notify_all();
      return;
    }
    if (!listens_) {
      die_of(signal);
    }
    switch (++stops_) {
      case 1:
        stopped_by_ = signal;
        stop_.cancel();
        break;
      case 2:
        hurry_.cancel();
        break;
      default:
        ::_exit(1);
    }
  }

 private:
  const cancelable stop_ = with_cancel(background());
  const cancelable hurry_ = with_cancel(background());
  std::atomic<bool> listens_{false};
  std::atomic<int> stopped_by_{SIGTERM};
  int stops_ = 0;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool reload_ = false;
};

// Making a sample takes seconds, in which a signal is heard as well. Null: it was.
std::unique_ptr<program> put_together(const launch& with, const context& living) {
  std::unique_ptr<program> made;
  try {
    made = std::make_unique<program>(living, with);
  } catch (const canceled_error&) {
  }
  return living.done() ? nullptr : std::move(made);
}

// "http://127.0.0.1:8080, http://[::1]:8080, unix:/run/hangup.sock"
std::string urls(const std::vector<std::string>& endpoints, std::string_view scheme) {
  std::string all;
  for (const auto& at : endpoints) {
    all.append(all.empty() ? "" : ", ");
    all.append(at.starts_with("unix:") ? in_one_line(at) : std::string(scheme) + "://" + at);
  }
  return all;
}

// Where a person on this machine opens the live page: "; to see it: http://127.0.0.1:8080/". Empty
// if operators have no port.
std::string link_to_page(const http::server& s, std::string_view scheme) {
  for (const auto& at : s.endpoints(http::audience::all)) {
    if (at.starts_with("unix:")) {
      continue;
    }
    const auto port = at.substr(at.rfind(':'));
    const auto host = at.starts_with("0.0.0.0:") ? "127.0.0.1"
                      : at.starts_with("[::]:")  ? "[::1]"
                                                 : at.substr(0, at.rfind(':'));
    return fmt::format("; to see it: {}://{}{}/", scheme, host, port);
  }
  return "";
}

// Listens on what the process was given, else where the configuration says. What is wrong, else "".
std::string listen(http::server& server, const config& c, const std::vector<int>& sockets) {
  std::size_t failed = 0;
  if (!sockets.empty()) {
    const auto serves = has_operators_address(c) ? http::audience::clients : http::audience::all;
    const auto ec = server.start_inherited(sockets, &failed, serves, operators_addresses_of(c));
    if (!ec || failed < sockets.size()) {
      return ec ? "cannot listen on descriptor " + std::to_string(sockets.at(failed)) + ": " +
                      ec.message()
                : "";
    }
    return not_listening(c, addresses_of(c).size(), ec);  // the last one
  }
  const auto ec = server.start(addresses_of(c), &failed);
  return ec ? not_listening(c, failed, ec) : "";
}

// Nobody is served any more. What a destructor waits for is none of the program's business then, if
// it takes longer than what runs may take to stop.
void give_back(std::unique_ptr<program> all, std::chrono::seconds patience) {
  const auto [leaving, left] = with_timeout(background(), std::max(patience, 1s));
  const after_func overdue(leaving, [&leaving = leaving]() noexcept {
    if (leaving.err() == errc::deadline_exceeded) {
      write_last(STDERR_FILENO,
                 "hangup: leaving although not everything could be closed in time\n");
      ::_exit(1);
    }
  });
  all.reset();
}

void warn_of_few_descriptors(const config& c, std::size_t allowed, request_log& log) {
  const auto needed = descriptors_needed(c);
  if (allowed < needed) {
    log.say(spdlog::level::warn,
            fmt::format("the limit of open files is {} (ulimit -n), but about {} are needed for "
                        "http.max_connections = {} and all else: clients beyond the limit have to "
                        "wait until another has left; raise the limit, or lower max_connections",
                        allowed, needed, c.http.max_connections));
  }
}

// Who reaches the pages for operators may end requests.
void warn_of_open_pages(const config& c, const std::vector<int>& sockets, request_log& log) {
  for (const auto& line : warnings_of_open_pages(c, sockets)) {
    log.say(spdlog::level::warn, line);
  }
  if (is_published(token_of(c.admin))) {
    log.say(spdlog::level::warn,
            "admin.token_file: the token is the one of docker/secrets, which everybody knows; "
            "replace it before others than this machine reach the pages for operators");
  }
}

int serve(const launch& with, const supervision& around, requests_to_the_program& asked) {
  const config& c = with.settings;
  const auto descriptors = raise_descriptor_limit();
  if (const auto ec = tree::start_timers()) {
    throw std::system_error(ec, "there is no thread for deadlines");
  }
  auto all = put_together(with, asked.living());
  if (!all) {
    die_of(asked.stopped_by());
  }
  auto& server = all->server();
  if (const auto why = listen(server, c, around.sockets); !why.empty()) {
    write_last(STDERR_FILENO, "hangup: " + why + "\n");
    return 1;
  }
  const auto* const scheme = c.tls.key.empty() ? "http" : "https";
  const auto places = !has_operators_address(c)
                          ? urls(server.endpoints(), scheme)
                          : urls(server.endpoints(http::audience::clients), scheme) +
                                ", for operators on " +
                                urls(server.endpoints(http::audience::all), scheme);
  all->log().say(spdlog::level::info,
                 fmt::format("hangup {} listens on {} with {}, pid {}{}", HANGUP_VERSION, places,
                             with.source, ::getpid(), link_to_page(server, scheme)));
  notifier supervisor(around.notify_socket,
                      [&](const std::string& line) { all->log().say(spdlog::level::warn, line); });
  supervisor.ready("listens on " + places);

  warn_of_few_descriptors(c, descriptors, all->log());
  warn_of_open_pages(c, around.sockets, all->log());
  all->say_what_is_damaged(asked.living());

  const auto reload = [&] {
    supervisor.reloading();
    all->reload();
    supervisor.ready("listens on " + places);
  };
  asked.reload_until(asked.living(), reload);
  server.announce_drain();
  const auto announcing = c.stopping.announce.count() > 0 ? fmt::format("not ready for {} s, then ",
                                                                        c.stopping.announce.count())
                                                          : std::string();
  all->log().say(
      spdlog::level::info,
      fmt::format("{}: {}draining for up to {} s; once more ends at once",
                  ::strsignal(asked.stopped_by()), announcing, c.stopping.drain.count()));
  supervisor.stopping(fmt::format("draining for up to {} s", c.stopping.drain.count()));
  {
    const auto [announced, over] = with_timeout(asked.unhurried(), c.stopping.announce);
    asked.reload_until(announced, [&] { all->reload(); });  // connections are taken still
  }
  const auto [patience, no_more] = with_timeout(asked.unhurried(), c.stopping.drain);
  if (all->drain(patience)) {
    all->log().say(spdlog::level::err, fmt::format("leaving although {} did not stop within {} s",
                                                   all->unfinished(), c.stopping.stop.count()));
    all->log().end();
    ::_exit(1);  // their threads are still at work: nothing can be destroyed
  }
  all->log().say(spdlog::level::info, "stopped");
  give_back(std::move(all), c.stopping.stop);
  return 0;
}

// The life of the program.
int live(int argc, const char* const* argv, const char* const* environment,
         const supervision& around, requests_to_the_program& asked) noexcept {
  const auto fail = [](int code, const std::string& why) {
    write_last(STDERR_FILENO, why + "\n");
    return code;
  };
  try {
    const auto with = read_flags(argc, argv, environment);
    if (with.exit_code) {
      if (with.message_is_error) {
        return fail(*with.exit_code, with.message);
      }
      const auto lost = write_last(STDOUT_FILENO, with.message + "\n");
      return lost ? fail(1, "hangup: cannot write to standard output: " + lost.message())
                  : *with.exit_code;
    }
    if (!with.probe.empty()) {
      const auto wrong = probe(with.probe);
      return wrong.empty() ? 0 : fail(1, wrong);
    }
    if (!around.wrong.empty()) {
      return fail(2, around.wrong);
    }
    if (const auto wrong = check_process(with, around.sockets); !wrong.empty()) {
      return fail(2, wrong.text());
    }
    asked.listen();
    return serve(with, around, asked);
  } catch (const config_error& e) {
    return fail(2, e.what());
  } catch (const std::exception& e) {
    return fail(1, std::string("hangup: ") + e.what());
  }
}

int run(int argc, const char* const* argv, const char* const* environment) {
  const auto around = take_supervision();  // before any thread
  const signals all;                       // before anything that takes long, and any thread
  requests_to_the_program asked;
  const auto [alive, over] = with_cancel(background());
  int code = 1;
  std::thread life;
  if (const auto failed = tree::make_thread(life, [&, &over = over] {
        code = live(argc, argv, environment, around, asked);
        over();
      })) {
    throw std::system_error(failed, "thread");
  }
  while (const auto signal = all.next(alive)) {
    asked.hear(*signal);
  }
  life.join();
  return code;
}

}  // namespace
}  // namespace hangup::server

int main(int argc, char** argv) {
  if (!hangup::server::open_missing_streams()) {
    return 1;
  }
  try {
    return hangup::server::run(argc, argv, environ);
  } catch (const std::exception& e) {
    hangup::server::write_last(STDERR_FILENO, std::string("hangup: ") + e.what() + "\n");
    return 1;
  }
}
