// Everything at once, for a while: clients of every kind, with and without TLS, that leave at
// random points or hang without leaving, streams, reports in parts, jobs, one server that asks the
// other, renewed certificates, full queues, a server without descriptors, peers that are stopped
// and killed. Then all surfaces of both servers must tell the same story, nothing may be left, and
// a sanitizer must have had nothing to say. Five seconds; HANGUP_SOAK_SECONDS says otherwise, and
// HANGUP_SOAK_BINARY which program is to be soaked instead of this build's (scripts/soak).
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <random>

#include "tests/support/certificate.h"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/resources.h"
#include "tests/support/sanitized.h"
#include "tests/support/tls_client.h"
#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

std::chrono::seconds duration() {
  const char* const said = std::getenv("HANGUP_SOAK_SECONDS");  // NOLINT: no thread yet
  return std::chrono::seconds(said != nullptr ? std::atoi(said) : 5);
}

std::string binary() {
  const char* const said = std::getenv("HANGUP_SOAK_BINARY");  // NOLINT: no thread yet
  return said != nullptr ? said : HANGUP_BINARY;
}

// Is it a build with a sanitizer, whatever this test is? Then memory is kept after it was freed.
bool is_sanitized(const std::string& program) {
  std::ifstream in(program, std::ios::binary);
  const std::string all(std::istreambuf_iterator<char>(in), {});
  return all.find("__asan_init") != std::string::npos ||
         all.find("__tsan_init") != std::string::npos;
}

// The server, its log in a file: it gets long.
class soaked {
 public:
  // With a certificate it speaks TLS. `upstream`: whom it asks, or none.
  soaked(const test::certificate* own, const std::string& upstream)
      : own_(own),
        log_(files_ / "log"),
        program_({"sh", "-c", "exec \"$0\" --config \"$1\" 2>\"$2\"", binary(),
                  config(own, upstream), log_}) {
    EXPECT_TRUE(eventually([this] {
      std::ifstream in(log_);
      for (std::string line; port_ == 0 && std::getline(in, line);) {
        if (line.find("listens on") != std::string::npos && line.back() == '}') {
          port_ = static_cast<std::uint16_t>(number_behind(line, "127.0.0.1:"));
          pid_ = static_cast<pid_t>(number_behind(line, "pid "));
        }
      }
      return port_ != 0;
    })) << log_;
  }

  std::unique_ptr<client> connect(int receive_buffer = 0, bool shaken = true) const {
    if (own_ == nullptr) {
      return std::make_unique<client>(port_, receive_buffer);
    }
    auto c = std::make_unique<tls_client>(port_, tls_offer{}, receive_buffer);
    if (shaken && c->connected() && !c->shake_hands()) {
      c->close();
    }
    return c;
  }
  std::string url() const {
    return (own_ != nullptr ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
  }
  void renew_certificate() const {
    if (own_ != nullptr) {
      const_cast<test::certificate*>(own_)->renew();
    }
    ::kill(pid_, SIGHUP);
  }
  std::uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }
  std::string log() const { return log_; }
  std::size_t entries(const char* what) const {
    return test::entries("/proc/" + std::to_string(pid_) + what);
  }
  // How many descriptors it may have; more is as many as there were.
  void allow_descriptors(rlim_t count) const {
    rlimit limit{};
    ::prlimit(pid_, RLIMIT_NOFILE, nullptr, &limit);
    limit.rlim_cur = std::min(count, limit.rlim_max);
    ::prlimit(pid_, RLIMIT_NOFILE, &limit, nullptr);
  }
  answer page(const std::string& target) const { return connect()->ask(get(target)); }
  std::optional<int> stop() {
    program_.signal(SIGTERM);
    return program_.wait(60s);
  }

 private:
  std::string config(const test::certificate* own, const std::string& upstream) {
    auto all = nlohmann::json::parse(R"({
      "listen": {"port": 0},
      "log": {"format": "json", "queue": 65536},
      "http": {"handshake_timeout_ms": 1000, "head_timeout_ms": 300, "idle_timeout_ms": 500,
               "body_timeout_ms": 300, "write_timeout_ms": 700, "linger_timeout_ms": 200,
               "max_connections": 300, "read_ahead_bytes": 100000,
               "read_ahead_total_bytes": 300000, "late_after_ms": 0},
      "pools": {"query": {"workers": 6, "queue": 20}, "cpu": {"workers": 2, "queue": 4},
                "search": {"workers": 2, "queue": 4}, "relay": {"workers": 3, "queue": 6}},
      "routes": {"query_sim": {"deadline_ms": 800},
                 "spin": {"deadline_ms": 300, "half_close": "ignore"},
                 "search": {"deadline_ms": 500}, "relay": {"deadline_ms": 700},
                 "fanout": {"deadline_ms": 700}},
      "jobs": {"most": 16, "deadline_ms": 1000, "keep_s": 1},
      "requests": {"completed": 65536, "not_completed": 65536}})");
    all["databases"] = files_.settings["databases"];
    all["databases"]["sqlite"]["connections"] = 4;
    all["databases"]["sqlite"]["deadline_ms"] = 700;
    all["databases"]["sqlite"]["wait_ms"] = 100;
    if (own != nullptr) {
      all["tls"] = {{"certificate", own->file}, {"key", own->key_file}};
    }
    if (!upstream.empty()) {
      all["relay"]["upstreams"]["next"]["url"] = upstream;
    }
    files_.settings = std::move(all);
    return files_.config();
  }
  static long number_behind(const std::string& line, const std::string& text) {
    return std::stol(line.substr(line.find(text) + text.size()));
  }

  shop files_;
  const test::certificate* const own_;
  const std::string log_;
  process program_;
  std::uint16_t port_ = 0;
  pid_t pid_ = 0;
};

// One client after the other, of random kinds.
class clients {
 public:
  clients(const soaked& one_of, const soaked& other, unsigned seed)
      : servers_{&one_of, &other}, random_(seed) {}

  void one() {
    const auto& server = *servers_[below(2)];
    const bool dumb = one_in(12);  // shakes no hands, or only half
    const auto c = server.connect(one_in(3) ? 4096 : 0, !dumb);
    if (!c->connected()) {
      return;
    }
    if (dumb) {
      if (auto* const over_tls = dynamic_cast<tls_client*>(c.get()); over_tls && one_in(2)) {
        over_tls->hello();
      }
      pause(1200);
      c->close();
      return;
    }
    talk(*c);
    leave(*c);
  }

 private:
  void talk(client& c) {
    switch (below(10)) {
      case 0:  // stays for all answers
        for (unsigned i = below(5); i > 0 && c.send(get("/healthz")) && c.receive().status == 200;
             --i) {
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
      case 6:  // starts a job, and stops it or does not
        job(c);
        break;
      case 7:  // goes on sending while it waits
        c.send(get("/query/sim?rows=300&row_ms=5&stream=0"));
        for (unsigned i = below(300); i > 0 && c.send(get("/healthz")); --i) {
          pause(2);
        }
        break;
      default:
        c.send(request() + (one_in(5) ? "x" : ""));
        one_in(2) ? pause(30) : receive_some(c);
        break;
    }
  }
  void job(client& c) {
    c.send(
        post("/query/sqlite?report=crunch&detach=1&n=" + std::to_string(1 + below(5'000'000)), ""));
    const auto place = c.receive().header("location");
    if (!place.empty() && one_in(2)) {
      pause(20);
      c.send("DELETE " + place + " HTTP/1.1\r\nHost: x\r\n\r\n" + get(place + "/result"));
      receive_some(c);
    }
  }

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
    switch (below(5)) {
      case 4:  // is still there, for the server's patience to end, and neither reads nor writes
        pause(900);
        return;
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
                                                     "/search?pattern=error&path=log",
                                                     "/search?pattern=e&path=letters",
                                                     "/query/sqlite?report=top_customers&n=20",
                                                     "/query/sqlite?report=orders",
                                                     "/query/sqlite?report=cross",
                                                     "/fanout?parts=3",
                                                     "/fanout?parts=4&report=cross",
                                                     "/jobs",
                                                     "/requests/ended?limit=50",
                                                     "/relay?hops=1&rows=20&row_ms=1",
                                                     "/relay?hops=1&rows=1000&row_ms=5",
                                                     "/relay?hops=1&target=spin&ms=20"};
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

  const std::array<const soaked*, 2> servers_;
  std::mt19937 random_;
};

// What else goes wrong.
void faults(const soaked& s, const std::atomic<bool>& over) {
  std::mt19937 random(7);
  while (!over) {
    {
      process killed(
          {"curl", "-skN", "-o", "/dev/null", s.url() + "/query/sim?rows=10000&row_ms=1"});
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 50));
      if (random() % 2 == 0) {  // its kernel still acknowledges what it does not read
        killed.signal(SIGSTOP);
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 900));
      }
    }  // by SIGKILL
    s.renew_certificate();
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

// A server before the load, to be compared with itself after it.
struct before_and_after {
  explicit before_and_after(const soaked& s) : server(s) {
    for (int i = 0; i < 40; ++i) {  // each worker has waited: it keeps an eventfd
      for (const auto* const target :
           {"/query/sim?rows=1&row_ms=1&stream=0", "/search?pattern=x&path=odd", "/spin?ms=1",
            "/query/sqlite?report=customer&id=7", "/fanout?parts=4",
            "/relay?hops=1&rows=1&row_ms=1"}) {
        server.page(target);
      }
    }
    descriptors = server.entries("/fd");
    threads = server.entries("/task");
  }

  const soaked& server;
  std::size_t descriptors = 0;
  std::size_t threads = 0;
  std::size_t warm_kib = 0;
};

void is_as_it_was(const before_and_after& b);
void tells_one_story(soaked& server);

TEST(soak, leaves_one_story_and_nothing_else) {
  ::signal(SIGPIPE, SIG_IGN);  // OpenSSL's clients write to servers that have closed
  const test::certificate own;
  soaked plain(nullptr, "");
  soaked over_tls(&own, plain.url());
  before_and_after first(plain);
  before_and_after second(over_tls);

  const auto seed = static_cast<unsigned>(std::random_device{}());
  std::cout << "seed " << seed << "\n";
  std::atomic<bool> over{false};
  std::atomic<std::size_t> served{0};
  {
    std::vector<std::jthread> all;
    for (unsigned i = 0; i < 8; ++i) {
      all.emplace_back([&, i] {
        for (clients some(plain, over_tls, seed + i); !over; ++served) {
          some.one();
        }
      });
    }
    all.emplace_back([&] { faults(plain, over); });
    all.emplace_back([&] { faults(over_tls, over); });
    std::this_thread::sleep_for(duration() / 5);
    first.warm_kib = resident_kib(plain.pid());
    second.warm_kib = resident_kib(over_tls.pid());
    std::this_thread::sleep_for(duration() - duration() / 5);
    over = true;
  }
  std::cout << served << " clients\n";

  is_as_it_was(second);  // it asks the other, and so is to be quiet first
  is_as_it_was(first);
  tells_one_story(over_tls);
  tells_one_story(plain);
}

void is_as_it_was(const before_and_after& b) {
  // The pages are requests themselves: one is in flight while it answers.
  const auto quiet = [&b] {
    const auto page = nlohmann::json::parse(b.server.page("/requests").body, nullptr, false);
    return page.is_object() && page["in_flight"].size() == 1;
  };
  const auto limit = std::chrono::steady_clock::now() + patience;
  bool is_quiet =
      quiet();  // a page that has been read may not be over yet when the next is asked for
  while (!is_quiet && std::chrono::steady_clock::now() < limit) {
    is_quiet = quiet();
  }
  EXPECT_TRUE(is_quiet) << b.server.page("/requests").body;
  while ((b.server.entries("/fd") > b.descriptors + 20 ||
          b.server.entries("/task") > b.threads + 10) &&
         std::chrono::steady_clock::now() < limit) {
  }
  EXPECT_LE(b.server.entries("/fd"), b.descriptors + 20);  // of workers that had not waited before
  EXPECT_LE(b.server.entries("/task"), b.threads + 10);    // workers are made when they are needed
  if (!is_sanitized(binary())) {                           // which keep what is freed
    EXPECT_LE(resident_kib(b.server.pid()), b.warm_kib + b.warm_kib / 4 + 32 * 1024);
  }
}

void tells_one_story(soaked& server) {
  // On one connection, where a request is over before the next is read. Both are sent before either
  // is taken apart: that can take a sanitizer longer than a connection may be idle.
  const auto last = server.connect();
  last->send(get("/requests/ended?limit=65536") + get("/metrics"));
  const auto ended = last->receive();
  const auto metrics = last->receive();
  EXPECT_EQ(ended.status, 200);
  EXPECT_EQ(metrics.status, 200);
  const auto remembered = nlohmann::json::parse(ended.body, nullptr, false);
  const auto counted = in_metrics(metrics.body);
  EXPECT_EQ(server.stop(), 0);

  sums logged;
  std::map<std::string, std::string> ends;
  std::ifstream log(server.log());
  for (std::string line; std::getline(log, line);) {
    if (line.find("sample database ") != std::string::npos && !line.starts_with('{')) {
      continue;  // said before there is a log
    }
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
}

}  // namespace
}  // namespace hangup::system_test
