// Ten thousand at once: what each costs, that all their work stops, and that a thread belongs to
// work that runs. (Fewer where every access is checked, or where the system allows no more.)
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/resources.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

// A server for many, and its clients.
class scale : public testing::Test {
 protected:
  void SetUp() override {
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);  // inherited, and of use to this process too
    // A worker that waits has a descriptor of its own beside that of the connection.
    const auto room = (limit.rlim_max - 500) / 2;
    count_ = std::min(static_cast<std::size_t>(rounds(10'000)), std::size_t{room});
  }

  void start(std::size_t workers) {
    const temporary_directory folder;
    const nlohmann::json settings = {
        {"listen", {{"port", 0}, {"backlog", 4096}}},
        {"http", {{"max_connections", 20'000}}},
        {"pools",
         {{"query", {{"workers", workers}, {"queue", 20'000}}},
          {"cpu", {{"workers", 2}, {"queue", 1}}},
          {"search", {{"workers", 1}, {"queue", 1}}}}},
        {"routes",
         {{"query_sim", {{"deadline_ms", 0}}}, {"query_sim_task", {{"deadline_ms", 0}}}}}};
    server_.emplace(
        std::vector<std::string>{"--config", folder.write("server.json", settings.dump())});
    EXPECT_EQ(server_->curl("/query/sim?rows=1&row_ms=1").exit, 0);  // what the first answer takes
    before_kib_ = static_cast<double>(resident_kib(server_->pid()));
  }

  void connect_all(const std::string& request, bool answered) {
    clients_.reserve(count_);
    while (clients_.size() < count_) {
      clients_.emplace_back(server_->port());
      ASSERT_TRUE(clients_.back().connected());
      ASSERT_TRUE(clients_.back().send(request));
      if (answered) {
        ASSERT_EQ(clients_.back().receive().status, 200);
      }
    }
  }
  bool await(const std::string& line, std::size_t value) const {
    return eventually([&] { return server_->metric(line) == static_cast<double>(value); });
  }
  void all_leave(const std::string& route = "/query/sim") {
    const auto closed = R"(hangup_requests_total{route=")" + route + R"(",end="client_closed"})";
    const auto ended = server_->metric(closed).value_or(0);
    clients_.clear();
    EXPECT_TRUE(await(R"(hangup_requests_in_flight{route=")" + route + R"("})", 0));
    EXPECT_TRUE(await(closed, static_cast<std::size_t>(ended) + count_));
  }
  // Of what came since start().
  double kib_each() const {
    return (static_cast<double>(resident_kib(server_->pid())) - before_kib_) /
           static_cast<double>(count_);
  }
  std::size_t entries(const char* what) const {
    return test::entries("/proc/" + std::to_string(server_->pid()) + what);
  }

  std::size_t count_ = 0;
  std::optional<server> server_;

 private:
  double before_kib_ = 0;
  std::vector<client> clients_;
};

TEST_F(scale, ten_thousand_idle_connections_cost_little_memory_and_no_thread) {
  start(64);
  const auto threads = entries("/task");
  connect_all(get("/healthz"), true);
  std::cout << count_ << " idle connections, each " << kib_each() << " KiB\n";
  EXPECT_EQ(entries("/task"), threads);
  EXPECT_LE(kib_each(), sanitized ? 64 : 4);
}

TEST_F(scale, ten_thousand_requests_wait_for_64_workers_and_all_stop_when_their_clients_leave) {
  start(64);
  const auto threads = entries("/task");
  connect_all(get("/query/sim?rows=1&row_ms=600000&stream=0"), false);
  ASSERT_TRUE(await(R"(hangup_requests_in_flight{route="/query/sim"})", count_));
  std::cout << count_ << " requests in flight, each " << kib_each() << " KiB\n";
  EXPECT_LE(entries("/task"), threads + 64);
  EXPECT_LE(kib_each(), sanitized ? 64 : 4);
  all_leave();
}

TEST_F(scale, ten_thousand_tasks_wait_and_hold_no_thread_and_all_stop_when_their_clients_leave) {
  start(64);
  EXPECT_EQ(server_->curl("/query/sim/task?rows=1&row_ms=1").exit, 0);
  const auto threads = entries("/task");
  connect_all(get("/query/sim/task?rows=1&row_ms=600000&stream=0"), false);
  ASSERT_TRUE(await(R"(hangup_connections{state="waiting"})", count_));
  std::cout << count_ << " requests that wait as tasks, each " << kib_each() << " KiB\n";
  EXPECT_EQ(server_->metric("hangup_tasks"), static_cast<double>(count_));
  EXPECT_LE(entries("/task"), threads + 1) << "one more worker of the pages, at most";
  EXPECT_LE(kib_each(), sanitized ? 64 : 10);
  all_leave("/query/sim/task");
  EXPECT_TRUE(await("hangup_tasks", 0));
}

TEST_F(scale, ten_thousand_workers_run_at_once_and_all_stop_when_their_clients_leave) {
  start(count_);
  connect_all(get("/query/sim?rows=1&row_ms=600000&stream=0"), false);
  ASSERT_TRUE(await(R"(hangup_workers_running{pool="query"})", count_));
  std::cout << count_ << " requests on workers of their own, each " << kib_each() << " KiB\n";
  EXPECT_GE(entries("/task"), count_);
  all_leave();
  EXPECT_TRUE(await(R"(hangup_workers_running{pool="query"})", 0));
}

}  // namespace
}  // namespace hangup::system_test
