// What a handler says about the time that it takes in all, as observers see it.
#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "hangup/http/request.h"
#include "tests/wire/with_tasks.h"

namespace hangup::wire {
namespace {

using std::chrono::nanoseconds;

class noted final : public http::observer {
 public:
  void ended(const http::request_report& r) noexcept override {
    const std::lock_guard hold(mutex_);
    expected_[std::string(r.target)] = r.expected;
  }
  std::optional<nanoseconds> of(const std::string& target) {
    EXPECT_TRUE(eventually([&] {
      const std::lock_guard hold(mutex_);
      return expected_.contains(target);
    })) << target;
    const std::lock_guard hold(mutex_);
    return expected_[target];
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::optional<nanoseconds>> expected_;
};

class work_expected : public testing::Test {
 protected:
  using times = std::vector<nanoseconds>;

  // What is known of a request whose handler says this, one after the other.
  std::optional<nanoseconds> known(const times& said) {
    says = said;
    const auto target = "/says?" + std::to_string(++count_);
    client c = server->connect();
    EXPECT_EQ(c.ask(get(target)).status, 200);
    return all.of(target);
  }

  times says;
  noted all;  // outlives the server
  with_tasks server{[this](live_server& s, loop& tasks) {
    s.server.observe(all);
    s.server.handle({.method = "GET",
                     .path = "/says",
                     .on_loop = &tasks,
                     .deadline = 1h,
                     .answer = [this](context ctx, http::request&, http::reply& res) -> task<> {
                       const auto derived = with_cancel(ctx);
                       for (const auto in_all : says) {
                         http::work_expected(derived.ctx, in_all);
                       }
                       res.body("text/plain", "said");
                       co_return;
                     }});
  }};

 private:
  int count_ = 0;
};

TEST_F(work_expected, is_what_was_said_last_also_by_a_task_and_with_a_derived_context) {
  EXPECT_EQ(known({}), std::nullopt);
  EXPECT_EQ(known({2s}), 2s);
  EXPECT_EQ(known({2s, 5ms}), 5ms);
}

TEST_F(work_expected, that_is_no_time_is_not_known) {
  EXPECT_EQ(known({0s}), std::nullopt);
  EXPECT_EQ(known({-2s}), std::nullopt);
  EXPECT_EQ(known({2s, 0s}), std::nullopt);
  http::work_expected(background(), 2s);  // does nothing
}

TEST_F(work_expected, ends_at_the_deadline) {
  const auto in_all = known({nanoseconds::max()});
  ASSERT_TRUE(in_all);
  EXPECT_LE(*in_all, 1h);
  EXPECT_GT(*in_all, 0s);
}

}  // namespace
}  // namespace hangup::wire
