// Everything at once, for a while: clients of every kind that leave at random points, full queues,
// a server without descriptors, peers that are killed. Then all surfaces must tell the same story,
// and nothing may be left. Five seconds; HANGUP_SOAK_SECONDS says otherwise (scripts/soak).
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <random>

#include "tests/system/program.h"
#include "tests/wire/fixture.h"

namespace hangup::system_test {
namespace {

using wire::client;
using wire::get;
using wire::post;

std::chrono::seconds duration() {
  const char* const said = std::getenv("HANGUP_SOAK_SECONDS");  // NOLINT: no thread yet
  return std::chrono::seconds(said != nullptr ? std::atoi(said) : 5);
}

// The server, its log in a file: it gets long.
class soaked {
 public:
  explicit soaked(const std::string& directory)
      : log_(directory + "/log"), program_(command(directory)) {
    std::string line;
    while (line.find("listens on") == std::string::npos) {
      std::ifstream in(log_);
      std::getline(in, line);
    }
    port_ = static_cast<std::uint16_t>(number_behind(line, "127.0.0.1:"));
    pid_ = static_cast<pid_t>(number_behind(line, "pid "));
  }

  std::uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }
  std::string log() const { return log_; }
  std::size_t entries(const char* what) const {
    return wire::entries(("/proc/" + std::to_string(pid_) + what).c_str());
  }
  // How many descriptors it may have; more is as many as there were.
  void allow_descriptors(rlim_t count) const {
    rlimit limit{};
    ::prlimit(pid_, RLIMIT_NOFILE, nullptr, &limit);
    limit.rlim_cur = std::min(count, limit.rlim_max);
    ::prlimit(pid_, RLIMIT_NOFILE, &limit, nullptr);
  }
  wire::answer page(const std::string& target) const { return client(port_).ask(get(target)); }
  std::optional<int> stop() {
    program_.signal(SIGTERM);
    return program_.wait(60s);
  }

 private:
  static std::vector<std::string> command(const std::string& directory) {
    std::ofstream(directory + "/config.json") << R"({
      "listen": {"port": 0},
      "log": {"format": "json", "queue": 1000000},
      "http": {"head_timeout_ms": 300, "idle_timeout_ms": 500, "body_timeout_ms": 300,
               "write_timeout_ms": 700, "linger_timeout_ms": 200, "max_connections": 300,
               "read_ahead_bytes": 100000, "read_ahead_total_bytes": 300000, "late_after_ms": 0},
      "pools": {"query": {"workers": 6, "queue": 20}, "cpu": {"workers": 2, "queue": 4},
                "search": {"workers": 2, "queue": 4}},
      "routes": {"query_sim": {"deadline_ms": 800},
                 "spin": {"deadline_ms": 300, "half_close": "ignore"},
                 "search": {"deadline_ms": 500}},
      "requests": {"ended": 65536}})";
    return {"sh", "-c", "exec \"$0\" --config \"$1/config.json\" 2>\"$1/log\"", HANGUP_BINARY,
            directory};
  }
  static long number_behind(const std::string& line, const std::string& text) {
    return std::stol(line.substr(line.find(text) + text.size()));
  }

  const std::string log_;
  process program_;
  std::uint16_t port_ = 0;
  pid_t pid_ = 0;
};

// One client after the other, of random kinds.
class clients {
 public:
  clients(const soaked& s, unsigned seed) : server_(s), random_(seed) {}

  void one() {
    client c(server_.port(), one_in(3) ? 4096 : 0);
    if (!c.connected()) {
      return;
    }
    switch (below(8)) {
      case 0:  // stays for all answers
        for (unsigned i = below(5); i > 0 && c.ask(get("/healthz")).status == 200; --i) {
        }
        break;
      case 1:  // many at once
        c.send(many(1 + below(20)));
        receive_some(c);
        break;
      case 2:  // never reads
        c.send(get("/query/sim?rows=50000&row_ms=0"));
        pause(50);
        break;
      case 3:  // half a head, or none, or no head at all
        c.send(one_in(3) ? std::string("\0\x16\x03 what\r\n", 11) : request().substr(0, below(40)));
        pause(400);
        break;
      case 4:  // a body, or a part of one
        c.send(post("/query/sim", std::string(below(200'000), 'b')).substr(0, below(200'000)));
        pause(20);
        break;
      case 5:  // a body that nobody wants
        c.send("GET /spin?ms=5 HTTP/1.1\r\nHost: x\r\nContent-Length: 150000\r\n\r\n" +
               std::string(below(150'001), 'b'));
        receive_some(c);
        break;
      default:
        c.send(request() + (one_in(5) ? "x" : ""));
        one_in(2) ? pause(30) : receive_some(c);
        break;
    }
    leave(c);
  }

 private:
  unsigned below(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }
  bool one_in(unsigned n) { return below(n) == 0; }
  void pause(unsigned up_to_ms) {
    std::this_thread::sleep_for(std::chrono::microseconds(below(up_to_ms * 1000)));
  }
  void receive_some(client& c) {
    for (unsigned i = below(4); i > 0 && c.readable(std::chrono::milliseconds(below(100))); --i) {
      c.receive_bytes(1);
      if (one_in(2)) {
        c.receive();
      }
    }
  }
  void leave(client& c) {
    switch (below(4)) {
      case 0:
        c.reset();
        return;
      case 1:
        c.shutdown_write();
        pause(20);
        return;
      case 2:
        c.send("y");
        return;
      default:
        return;  // close
    }
  }

  std::string request() {
    static const std::vector<std::string> targets = {"/healthz",
                                                     "/nothing",
                                                     "/requests",
                                                     "/metrics",
                                                     "/spin?ms=3",
                                                     "/spin?ms=40",
                                                     "/query/sim?rows=3&row_ms=1",
                                                     "/query/sim?rows=300&row_ms=5",
                                                     "/query/sim?rows=20&row_ms=2&stream=0",
                                                     "/query/sim?rows=nine",
                                                     "/search?pattern=hangup&path=http",
                                                     "/search?pattern=e&path=tests"};
    static const std::vector<std::string> headers = {"",
                                                     "",
                                                     "",
                                                     "Connection: close\r\n",
                                                     "X-Request-Timeout-Ms: 5\r\n",
                                                     "Prefer: wait=1\r\n",
                                                     "Prefer: wait=x\r\n"};
    auto text = get(targets[below(static_cast<unsigned>(targets.size()))],
                    headers[below(static_cast<unsigned>(headers.size()))]);
    if (one_in(10)) {
      text.replace(0, 3, "HEAD");
    }
    return text;
  }
  std::string many(unsigned count) {
    std::string all;
    for (unsigned i = 0; i < count; ++i) {
      all.append(request());
    }
    return all;
  }

  const soaked& server_;
  std::mt19937 random_;
};

// What else goes wrong.
void faults(const soaked& s, const std::atomic<bool>& over) {
  std::mt19937 random(7);
  while (!over) {
    {
      process killed(
          {"curl", "-sN", "-o", "/dev/null",
           "http://127.0.0.1:" + std::to_string(s.port()) + "/query/sim?rows=10000&row_ms=1"});
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 50));
    }  // by SIGKILL
    s.allow_descriptors(s.entries("/fd") + 2);
    std::this_thread::sleep_for(50ms);
    s.allow_descriptors(RLIM_INFINITY);
    std::this_thread::sleep_for(100ms);
  }
}

// By how a request ended: how often.
using sums = std::map<std::string, std::size_t>;

sums in_metrics(const std::string& page) {
  sums found;
  std::istringstream in(page);
  for (std::string line; std::getline(in, line);) {
    const std::string_view name = "hangup_requests_total{";
    if (line.starts_with(name)) {
      const auto end = line.find("end=\"") + 5;
      if (const auto n = std::stoul(line.substr(line.rfind(' ') + 1)); n > 0) {
        found[line.substr(end, line.find('"', end) - end)] += n;
      }
    }
  }
  return found;
}

TEST(soak, leaves_one_story_and_nothing_else) {
  const auto directory = testing::TempDir() + "soak-" + std::to_string(::getpid());
  std::filesystem::create_directory(directory);
  soaked server(directory);
  for (int i = 0; i < 40; ++i) {  // each worker has waited: it keeps an eventfd
    server.page("/query/sim?rows=1&row_ms=1&stream=0");
    server.page("/search?pattern=x&path=http");
    server.page("/spin?ms=1");
  }
  const auto descriptors = server.entries("/fd");
  const auto threads = server.entries("/task");

  const auto seed = static_cast<unsigned>(std::random_device{}());
  std::cout << "seed " << seed << "\n";
  std::atomic<bool> over{false};
  std::atomic<std::size_t> served{0};
  std::size_t warm_kib = 0;
  {
    std::vector<std::jthread> all;
    for (unsigned i = 0; i < 8; ++i) {
      all.emplace_back([&, i] {
        for (clients some(server, seed + i); !over; ++served) {
          some.one();
        }
      });
    }
    all.emplace_back([&] { faults(server, over); });
    std::this_thread::sleep_for(duration() / 5);
    warm_kib = resident_kib(server.pid());
    std::this_thread::sleep_for(duration() - duration() / 5);
    over = true;
  }
  std::cout << served << " clients\n";

  // The pages are requests themselves: one is in flight while it answers.
  const auto quiet = [&] {
    const auto page = nlohmann::json::parse(server.page("/requests").body, nullptr, false);
    return page.is_object() && page["in_flight"].size() == 1;
  };
  const auto limit = std::chrono::steady_clock::now() + patience;
  bool is_quiet =
      quiet();  // a page that has been read may not be over yet when the next is asked for
  while (!is_quiet && std::chrono::steady_clock::now() < limit) {
    is_quiet = quiet();
  }
  EXPECT_TRUE(is_quiet) << server.page("/requests").body;
  while ((server.entries("/fd") > descriptors + 10 || server.entries("/task") > threads + 10) &&
         std::chrono::steady_clock::now() < limit) {
  }
  EXPECT_LE(server.entries("/fd"), descriptors + 10);  // of workers that had not waited before
  EXPECT_LE(server.entries("/task"), threads + 10);    // workers are made when they are needed
  if (!sanitized) {                                    // which keep what is freed
    EXPECT_LE(resident_kib(server.pid()), warm_kib + warm_kib / 4 + 32 * 1024);
  }

  client last(server.port());  // one connection: a request is over before the next is read
  const auto remembered =
      nlohmann::json::parse(last.ask(get("/requests/ended?limit=65536")).body, nullptr, false);
  const auto counted = in_metrics(last.ask(get("/metrics")).body);
  EXPECT_EQ(server.stop(), 0);

  sums logged;
  std::map<std::string, std::string> ends;
  std::ifstream log(server.log());
  for (std::string line; std::getline(log, line);) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    ASSERT_FALSE(entry.is_discarded()) << line;
    if (entry.value("msg", "") == "request") {
      ++logged[entry["end"]];
      EXPECT_TRUE(ends.emplace(entry["id"], entry["end"]).second) << "two ends: " << line;
    }
  }
  --logged["completed"];  // the page of the metrics itself
  EXPECT_EQ(logged, counted);
  ASSERT_TRUE(remembered.is_object());
  EXPECT_GT(remembered["ended"].size(), 100U);
  for (const auto& r : remembered["ended"]) {
    EXPECT_EQ(ends[r["id"]], r["end"].get<std::string>()) << r;
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace hangup::system_test
