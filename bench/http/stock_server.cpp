// cpp-httplib as it is, tuned: TCP_NODELAY, a thread for each connection of the load, connections
// that stay. What hangup is built on, and the control of all that is about hanging up: its handlers
// cannot hear that their client has left. And the same with one type changed, to what hangup makes
// of it (docs/cpp-httplib.md): what that costs.
//
//   stock_server PORT THREADS [stock|watched|hosted]
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <string>
#include <string_view>
#include <thread>

#include "hangup/http/hosted.h"
#include "hangup/http/httplib.h"
#include "hangup/http/watched.h"

namespace {

std::int64_t cpu_ns() noexcept {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

long number(const httplib::Request& req, const char* name, long otherwise) {
  const auto text = req.get_param_value(name);
  return text.empty() ? otherwise : std::strtol(text.c_str(), nullptr, 10);
}

void query(const httplib::Request& req, httplib::Response& res) {
  std::this_thread::sleep_for(
      std::chrono::milliseconds(number(req, "rows", 100) * number(req, "row_ms", 10)));
  res.set_content("{}\n", "application/json");
}

void spin(const httplib::Request& req, httplib::Response& res) {
  const auto until = cpu_ns() + number(req, "ms", 100) * 1'000'000;
  std::uint64_t x = 88172645463325252U;
  while (cpu_ns() < until) {
    for (int i = 0; i < 10'000; ++i) {
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
    }
  }
  res.set_content("{\"result\":" + std::to_string(x) + "}\n", "application/json");
}

int serve(httplib::Server& server, int port) {
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(std::numeric_limits<std::size_t>::max());
  server.Get("/healthz", [](const httplib::Request&, httplib::Response& res) {
    res.set_content("ok\n", "text/plain");
  });
  server.Get("/query/sim", query);
  server.Get("/spin", spin);
  server.Get("/requests/ended", [](const httplib::Request&, httplib::Response& res) {
    res.set_content("{\"ended\":[]}\n", "application/json");  // none was heard of
  });
  if (!server.listen("127.0.0.1", port)) {
    std::fprintf(stderr, "stock_server: cannot listen on port %d\n", port);
    return 1;
  }
  return 0;
}

template <class Server>
int with_queue(int port, unsigned threads) {
  Server server;
  server.new_task_queue = [threads] { return new httplib::ThreadPool(threads); };
  return serve(server, port);
}

}  // namespace

int main(int argc, char** argv) {
  const bool given = argc == 3 || argc == 4;
  const int port = given ? std::atoi(argv[1]) : 0;
  const int threads = given ? std::atoi(argv[2]) : 0;
  const std::string_view kind = argc == 4 ? argv[3] : "stock";
  if (port <= 0 || threads <= 0 || (kind != "stock" && kind != "watched" && kind != "hosted")) {
    std::fprintf(stderr, "usage: stock_server PORT THREADS [stock|watched|hosted]\n");
    return 2;
  }
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);

  const auto many = static_cast<unsigned>(threads);
  if (kind == "watched") {
    return with_queue<hangup::http::watched<httplib::Server>>(port, many);
  }
  if (kind == "hosted") {
    hangup::http::hosted<httplib::Server> server({.workers = many});
    return serve(server, port);
  }
  return with_queue<httplib::Server>(port, many);
}
