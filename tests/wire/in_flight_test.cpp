// The most requests of a route that may be in flight (route::max_in_flight).
#include <gtest/gtest.h>

#include "tests/wire/heard.h"
#include "tests/wire/with_tasks.h"

namespace hangup::wire {
namespace {

enum class where { on_the_spot, in_a_pool, on_a_loop };

// A server whose route /it holds each request until `go`, with two places.
class two_places : public testing::TestWithParam<where> {
 protected:
  two_places() : all_([this](live_server& s, loop& tasks) { add(s, tasks); }) {}

  live_server& server() { return *all_; }
  // A client whose request has a place.
  client one_in_flight() {
    client c = server().connect();
    EXPECT_TRUE(c.send(get("/it")));
    EXPECT_TRUE(server().at.await("/it", ++begun_));
    return c;
  }
  void let_them_answer() {
    open_.cancel();
    const std::lock_guard hold(mutex_);
    for (const auto& d : deferred_) {
      static_cast<void>(d.send([](http::reply& r) { r.body("text/plain", "done"); }));
    }
    deferred_.clear();
  }

 private:
  void add(live_server& s, loop& tasks) {
    http::route r{.method = "GET", .path = "/it", .max_in_flight = 2};
    if (GetParam() == where::on_a_loop) {
      r.on_loop = &tasks;
      r.answer = [this, &s](context ctx, http::request&, http::reply& res) -> task<> {
        s.at.tell("/it");
        while (!open_.ctx.done() && !ctx.done()) {
          co_await sleep_for(ctx, 1ms);
        }
        res.body("text/plain", "done");
      };
    } else {  // deferred, as a handler on the spot must not wait
      r.runs_on = GetParam() == where::in_a_pool ? &s.many : nullptr;
      r.answer = [this, &s](const context&, const http::request&, http::reply& res) {
        {
          const std::lock_guard hold(mutex_);
          if (open_.ctx.done()) {
            res.body("text/plain", "done");
          } else {
            deferred_.push_back(res.defer());
          }
        }
        s.at.tell("/it");
      };
    }
    s.server.handle(std::move(r));
  }

  const cancelable open_ = with_cancel(background());
  std::mutex mutex_;
  std::vector<http::deferred> deferred_;
  int begun_ = 0;
  with_tasks all_;
};

TEST_P(two_places, of_which_none_is_free_refuse_the_third_request_at_once) {
  auto a = one_in_flight();
  auto b = one_in_flight();
  client c = server().connect();
  const auto refused = c.ask(get("/it"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_EQ(refused.header("content-type"), "application/problem+json");
  EXPECT_EQ(server().seen.nth(0).end, request_end::rejected);
  EXPECT_FALSE(server().seen.nth(0).started);
  EXPECT_EQ(server().seen.reached(), (std::map<http::limit, int>{{http::limit::in_flight, 1}}));
  EXPECT_EQ(c.ask(get("/fast")).status, 200) << "other routes, on the same connection";
  let_them_answer();
  EXPECT_EQ(a.receive().body, "done");
  EXPECT_EQ(b.receive().body, "done");
  ASSERT_TRUE(server().seen.await_ended(4));
  EXPECT_EQ(c.ask(get("/it")).body, "done") << "a refused one holds no place";
}

TEST_P(two_places, are_given_back_by_clients_that_leave) {
  for (int i = 0; i < 3; ++i) {
    {
      const auto a = one_in_flight();
      const auto b = one_in_flight();
      client c = server().connect();
      EXPECT_EQ(c.ask(get("/it")).status, 503);
    }
    ASSERT_TRUE(server().await_no_connections());
  }
  let_them_answer();
  client c = server().connect();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(c.ask(get("/it")).body, "done");
  }
}

INSTANTIATE_TEST_SUITE_P(of_a_route, two_places,
                         testing::Values(where::on_the_spot, where::in_a_pool, where::on_a_loop),
                         [](const auto& of) {
                           return std::string(of.param == where::on_the_spot ? "on_the_spot"
                                              : of.param == where::in_a_pool ? "in_a_pool"
                                                                             : "on_a_loop");
                         });

}  // namespace
}  // namespace hangup::wire
