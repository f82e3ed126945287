#include "hangup/http/detail/hosted_connections.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "hangup/worker/pool.h"
#include "http/engine/hosted_run.h"
#include "http/net/listener.h"
#include "http/run/error_answer.h"
#include "http/session/session_runner.h"

namespace hangup::http::detail {
namespace {

// They say who serves a request, whatever its method: the engine has routes of its own. The first,
// "/", is for all that have no other.
route_table routes_to(pool* workers, pool* own, const std::vector<std::string>& own_paths,
                      std::chrono::milliseconds deadline) {
  route_table made;
  const auto add = [&](std::string path, pool* on) {
    made.add({.method = "GET",
              .path = std::move(path),
              .runs_on = on,
              .deadline = deadline,
              .answer = [](const context&, const request&, reply& res) { res.status(500); }});
  };
  add("/", workers);
  for (const auto& path : own_paths) {
    add(path, own);
  }
  return made;
}

hosted_settings with_fit_headers(hosted_settings as) {
  drop_unfit_default_headers(as.how);
  return as;
}

}  // namespace

void check_own_paths(const std::vector<std::string>& paths) {
  const std::string key = "hosted_options::paths_with_own_workers: ";
  if (std::find(paths.begin(), paths.end(), "/") != paths.end()) {
    throw std::invalid_argument(key + "found \"/\", which all other workers are for");
  }
  try {
    routes_to(nullptr, nullptr, paths, {});
  } catch (const std::invalid_argument& e) {
    throw std::invalid_argument(key + e.what());
  }
}

struct hosted_connections::parts {
  parts(hosted_server& by, const hosted_settings& as, const std::vector<observer*>& observers)
      : settings(with_fit_headers(as)),
        workers({.name = "cpp-httplib", .workers = as.workers, .queue = as.queue}),
        own({.name = "cpp-httplib-own", .workers = as.own_workers, .queue = as.queue}),
        routes(routes_to(&workers, &own, as.own_paths, as.deadline)),
        rules{by, as.keep_alive_max, as.most_body, *routes.all()[1]},
        runner(settings.how, routes, observers, nullptr, nullptr, &rules) {}

  const hosted_settings settings;
  pool workers;  // the runner uses it, and all of the following
  pool own;      // of the paths that have their own
  const route_table routes;
  const hosted_rules rules;
  session_runner runner;
  bool is_stopped = false;
};

hosted_connections::hosted_connections(hosted_server& by, const hosted_settings& how,
                                       const std::vector<observer*>& observers)
    : parts_(std::make_unique<parts>(by, how, observers)) {
  if (const auto ec = parts_->runner.loops().start({})) {
    throw std::system_error(ec, "the threads of the connections");
  }
}

hosted_connections::~hosted_connections() {
  stop();
}

void hosted_connections::adopt(int socket) noexcept {
  descriptor owned(socket);
  sockaddr_storage at{};
  socklen_t size = sizeof at;
  const int flags = ::fcntl(socket, F_GETFL);
  if (flags < 0 || ::fcntl(socket, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::getpeername(socket, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    return;  // it has gone already
  }
  set_accepted_options(socket, parts_->settings.how);
  try {
    parts_->runner.adopt(std::move(owned), addresses_of(socket, at));
  } catch (const std::bad_alloc&) {  // an IPv6 address does not fit into a short string
  }
}

void hosted_connections::stop() noexcept {
  if (std::exchange(parts_->is_stopped, true)) {
    return;
  }
  auto& runner = parts_->runner;
  runner.begin_drain();
  {
    const auto grace = with_timeout(background(), parts_->settings.stop_grace);
    static_cast<void>(runner.wait_idle(grace.ctx));
  }
  runner.end_all();
  static_cast<void>(runner.wait_idle(background()));  // that of a server of cpp-httplib waits too
  static_cast<void>(runner.close_all(background()));
}

}  // namespace hangup::http::detail
