// Who follows requests is told of their steps, in their order, while it looks.
#include <gtest/gtest.h>

#include "hangup/http/causes.h"
#include "hangup/http/follower.h"
#include "tests/wire/with_tasks.h"

namespace hangup::wire {
namespace {

// Writes down what it is told.
class diary final : public http::follower, public http::observer {
 public:
  bool looks() const noexcept override { return looking.load(); }
  http::interest begins(const http::request_step& s, bool earlier) noexcept override {
    note(s.target, earlier ? "earlier" : "began");
    return wanted.load();
  }
  void enters(const http::request_step& s) noexcept override { note(s.target, name(s.state)); }
  void context_ended(const http::request_step& s, const cause& why,
                     http::interest) noexcept override {
    note(s.target, why.kind.name());
  }
  void ended(const http::request_report& r) noexcept override {
    if (r.followed != http::interest::none) {
      note(r.target, name(r.end));
    }
  }

  // What was told of the request, once it has come to this.
  std::vector<std::string> of(const std::string& target, std::string_view last) {
    std::vector<std::string> lines;
    EXPECT_TRUE(eventually([&] {
      const std::lock_guard hold(mutex_);
      lines = lines_[target];
      return !lines.empty() && lines.back() == last;
    })) << target
        << ": no " << last;
    return lines;
  }

  std::atomic<bool> looking{true};
  std::atomic<http::interest> wanted{http::interest::steps};

 private:
  void note(std::string_view target, std::string_view what) {
    const std::lock_guard hold(mutex_);
    lines_[std::string(target)].emplace_back(what);
  }

  std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> lines_;
};

class followed : public testing::Test {
 protected:
  using lines = std::vector<std::string>;
  diary told;  // outlives the server
  with_tasks server{[this](live_server& s, loop& tasks) {
    add_waiting(s, tasks);
    s.server.follow(told).observe(told);
  }};
};

TEST_F(followed, requests_tell_each_step_in_its_order) {
  client c = server->connect();
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  EXPECT_EQ(told.of("/fast", "completed"), (lines{"began", "running", "writing", "completed"}));
  EXPECT_EQ(c.ask(get("/pool/fast")).status, 200);
  EXPECT_EQ(told.of("/pool/fast", "completed"),
            (lines{"began", "queued", "running", "writing", "completed"}));
}

TEST_F(followed, a_hang_up_is_told_while_the_work_goes_on) {
  client c = server->connect();
  ASSERT_TRUE(c.send(get("/stubborn")));
  ASSERT_TRUE(server->at.await("/stubborn"));
  c.close();
  EXPECT_EQ(told.of("/stubborn", "client_closed"),
            (lines{"began", "queued", "running", "client_closed"}));
  EXPECT_FALSE(server->seen.has_ended("/stubborn"));
  server->gate.open();
  EXPECT_TRUE(server->seen.await_ended(1));
  EXPECT_EQ(told.of("/stubborn", "client_closed").back(), "client_closed");
}

TEST_F(followed, a_task_waits_and_a_hang_up_ends_it) {
  client c = server->connect();
  ASSERT_TRUE(c.send(get("/task/wait")));
  ASSERT_TRUE(server->at.await("/task/wait"));
  c.close();
  ASSERT_TRUE(server->seen.await_ended(1));
  EXPECT_EQ(told.of("/task/wait", "client_closed"),
            (lines{"began", "queued", "waiting", "client_closed", "client_closed"}));
}

TEST_F(followed, who_wants_only_the_end_is_told_of_no_states) {
  told.wanted = http::interest::end;
  client c = server->connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server->at.await("/wait"));
  c.close();
  ASSERT_TRUE(server->seen.await_ended(1));
  EXPECT_EQ(told.of("/wait", "client_closed"), (lines{"began", "client_closed", "client_closed"}));
}

TEST_F(followed, nothing_is_told_while_nobody_looks_and_what_is_in_flight_when_somebody_does) {
  told.looking = false;
  client before = server->connect();
  ASSERT_TRUE(before.send(get("/stubborn")));
  ASSERT_TRUE(server->at.await("/stubborn"));
  client c = server->connect();
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  // Its client may have the answer earlier.
  ASSERT_TRUE(eventually([&] { return server->server.in_flight_count() == 1; }));
  told.looking = true;
  const auto found =
      server->server.follow_oldest(9, [](const http::route& to) { return to.path != "/fast"; });
  const auto& oldest = found.oldest;
  ASSERT_EQ(oldest.size(), 1U);
  EXPECT_EQ(oldest[0].target, "/stubborn");
  EXPECT_EQ(oldest[0].trace_id.size(), 32U);
  EXPECT_EQ(server->server.follow_oldest(9, [](const auto&) { return true; }).oldest.size(), 1U);
  before.close();
  EXPECT_EQ(told.of("/stubborn", "client_closed"), (lines{"earlier", "client_closed"}))
      << "asked once, as it wanted all";
  server->gate.open();
  ASSERT_TRUE(server->seen.await_ended(2));
}

TEST_F(followed, the_oldest_of_many_are_the_ones_that_began_first) {
  told.looking = false;
  std::vector<client> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(server->connect());
    ASSERT_TRUE(all.back().send(get("/task/wait?" + std::to_string(i))));
    ASSERT_TRUE(server->at.await("/task/wait", i + 1));
  }
  auto found = server->server.follow_oldest(2, [](const auto&) { return true; });
  EXPECT_EQ(found.numbers.size(), 5U) << "also those that are not among the oldest";
  EXPECT_TRUE(std::is_sorted(found.numbers.begin(), found.numbers.end()));
  auto& oldest = found.oldest;
  ASSERT_EQ(oldest.size(), 2U);
  std::sort(oldest.begin(), oldest.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  EXPECT_EQ(oldest[0].target, "/task/wait?0");
  EXPECT_EQ(oldest[1].target, "/task/wait?1");
  const auto n = server->server.count_in_flight([](const auto&) { return true; });
  EXPECT_EQ(n.waiting, 5U);
  EXPECT_EQ(n.queued + n.running + n.writing + n.stopping + n.received, 0U);
}

TEST_F(followed, requests_that_end_without_a_cause_of_their_own_tell_none) {
  client c = server->connect();
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(c.ask(get("/pool/fast?" + std::to_string(i))).status, 200);
  }
  ASSERT_TRUE(server->seen.await_ended(50));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(told.of("/pool/fast?" + std::to_string(i), "completed").size(), 5U);
  }
}

}  // namespace
}  // namespace hangup::wire
