// Answers that are sent after their handler has returned: by another thread, or by nobody.
#include <gtest/gtest.h>

#include <optional>

#include "context/early_end.h"
#include "hangup/http/deferred.h"
#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

// The deferred answers of a server with the routes /spot and /pool, in the order of their requests.
class deferring {
 public:
  explicit deferring(setup how = {}) : server_(with(std::move(how))) {}
  ~deferring() { all_.clear(); }
  deferring(const deferring&) = delete;
  deferring& operator=(const deferring&) = delete;

  live_server* operator->() { return &server_; }
  // The n-th, when its handler has returned or soon will.
  http::deferred nth(std::size_t n) {
    EXPECT_TRUE(entered.await("entered", static_cast<int>(n) + 1));
    const std::lock_guard hold(mutex_);
    return all_.at(n);
  }
  void forget() {
    const std::lock_guard hold(mutex_);
    all_.clear();
  }

  signals entered;

 private:
  setup with(setup how) {
    how.more.push_back([this](live_server& s) {
      for (const bool in_a_pool : {false, true}) {
        s.server.handle({.method = "GET",
                         .path = in_a_pool ? "/pool" : "/spot",
                         .runs_on = in_a_pool ? &s.one : nullptr,
                         .deadline = in_a_pool ? 60s : 0s,
                         .answer = [this](const context&, const http::request&, http::reply& res) {
                           keep(res.defer());
                         }});
        s.server.handle({.method = "GET",
                         .path = in_a_pool ? "/pool/soon" : "/spot/soon",
                         .runs_on = in_a_pool ? &s.one : nullptr,
                         .deadline = 50ms,
                         .answer = [this](const context&, const http::request&, http::reply& res) {
                           keep(res.defer());
                         }});
      }
    });
    return how;
  }
  void keep(http::deferred d) {
    {
      const std::lock_guard hold(mutex_);
      all_.push_back(std::move(d));
    }
    entered.tell("entered");
  }

  std::mutex mutex_;
  std::vector<http::deferred> all_;
  live_server server_;
};

std::error_code answer(const http::deferred& d, const std::string& text) {
  return d.send([&text](http::reply& r) { r.body("text/plain", text); });
}

class deferred_answer : public testing::TestWithParam<std::string> {};

TEST_P(deferred_answer, is_sent_by_another_thread_and_the_connection_is_kept) {
  deferring s;
  client c = s->connect();
  ASSERT_TRUE(c.send(get(GetParam(), "X-Request-Id: mine\r\n") + get("/fast")));
  const auto d = s.nth(0);
  EXPECT_FALSE(d.ctx().done());
  EXPECT_EQ(http::request_id(d.ctx()), "mine");
  EXPECT_FALSE(answer(d, "at last"));
  const auto a = c.receive();
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, "at last");
  EXPECT_EQ(a.header("x-request-id"), "mine");
  EXPECT_EQ(c.receive().body, "fast\n") << "what was pipelined behind it";
  EXPECT_EQ(s->seen.nth(0).end, request_end::completed);
  EXPECT_TRUE(d.ctx().done());
  EXPECT_TRUE(answer(d, "again")) << "the request is over";
}

// The thread may still sleep when the server is gone.
TEST_P(deferred_answer, has_a_context_whose_sleepers_do_not_ask_the_server) {
  deferring s;
  client c = s->connect();
  ASSERT_TRUE(c.send(get(GetParam())));
  const auto d = s.nth(0);
  const auto* const at = d.ctx().value<early_end>();
  ASSERT_NE(at, nullptr);
  EXPECT_EQ(at->reported, nullptr);
  std::thread sleeper([ctx = d.ctx()] { EXPECT_TRUE(wait_done(ctx).get()); });
  c.close();
  sleeper.join();
  EXPECT_EQ(s->seen.nth(0).end, request_end::client_closed);
}

TEST_P(deferred_answer, holds_no_thread) {
  deferring s;
  std::vector<client> clients;
  for (std::size_t i = 0; i < 50; ++i) {  // one after the other: the queue of the pool is short
    clients.push_back(s->connect());
    ASSERT_TRUE(clients.back().send(get(GetParam())));
    static_cast<void>(s.nth(i));
  }
  EXPECT_TRUE(eventually([&] { return s->busy() == 0; }));
  client other = s->connect();
  EXPECT_EQ(other.ask(get("/one/fast")).status, 200);
  EXPECT_EQ(other.ask(get("/fast")).status, 200);
  EXPECT_TRUE(eventually([&] { return s->server.in_flight_count() == 50; }));
  EXPECT_EQ(s->connections(http::phase::waiting), 50U);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_FALSE(answer(s.nth(i), "yes"));
  }
  for (auto& c : clients) {
    EXPECT_EQ(c.receive().body, "yes");
  }
}

TEST_P(deferred_answer, is_dropped_when_the_client_has_left_and_its_context_has_ended) {
  for (const bool reset : {false, true}) {
    deferring s;
    std::optional<http::deferred> d;
    {
      client c = s->connect();
      ASSERT_TRUE(c.send(get(GetParam())));
      d = s.nth(0);
      reset ? c.reset() : c.close();
    }
    EXPECT_FALSE(wait_done(with_timeout(d->ctx(), 60s).ctx).get() == errc::deadline_exceeded);
    const auto r = s->seen.nth(0);
    EXPECT_EQ(r.end, reset ? request_end::client_reset : request_end::client_closed);
    EXPECT_EQ(r.status, 499);
    ASSERT_TRUE(s->await_no_connections());
    bool called = false;
    EXPECT_EQ(d->send([&called](http::reply&) { called = true; }), d->ctx().err());
    EXPECT_FALSE(called);
  }
}

TEST_P(deferred_answer, that_does_not_come_before_the_deadline_is_a_504) {
  deferring s;
  client c = s->connect();
  EXPECT_EQ(c.ask(get(GetParam() + "/soon")).status, 504);
  EXPECT_EQ(s->seen.nth(0).end, request_end::deadline);
  EXPECT_EQ(answer(s.nth(0), "too late"), errc::deadline_exceeded);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
}

TEST_P(deferred_answer, that_nobody_can_give_any_more_is_a_500) {
  deferring s;
  client c = s->connect();
  ASSERT_TRUE(c.send(get(GetParam())));
  static_cast<void>(s.nth(0));
  s.forget();
  EXPECT_EQ(c.receive().status, 500);
  EXPECT_NE(s->seen.nth(0).broken.find("given up"), std::string::npos);
}

TEST_P(deferred_answer, may_throw_as_a_handler_does) {
  deferring s;
  client c = s->connect();
  ASSERT_TRUE(c.send(get(GetParam())));
  EXPECT_FALSE(s.nth(0).send([](http::reply&) { throw http::problem_error(404, "no such row"); }));
  const auto a = c.receive();
  EXPECT_EQ(a.status, 404);
  EXPECT_NE(a.body.find("no such row"), std::string::npos);
  ASSERT_TRUE(c.send(get(GetParam())));
  EXPECT_FALSE(s.nth(1).send([](http::reply& r) {
    r.stream("text/plain", [](const context&, http::body_writer&) { return std::error_code(); });
  }));
  EXPECT_EQ(c.receive().status, 500) << "a stream needs a thread";
}

TEST_P(deferred_answer, larger_than_what_may_wait_for_the_client_is_refused_and_not_cut_off) {
  setup how;
  how.how.spot_output = 100'000;
  deferring s(how);
  client c = s->connect();
  ASSERT_TRUE(c.send(get(GetParam())));
  EXPECT_FALSE(answer(s.nth(0), std::string(100'000, 'a')));
  EXPECT_EQ(c.receive().body.size(), 100'000U);
  ASSERT_TRUE(c.send(get(GetParam())));
  EXPECT_FALSE(answer(s.nth(1), std::string(100'001, 'a')));
  const auto a = c.receive();
  EXPECT_EQ(a.status, 500);
  EXPECT_TRUE(a.whole);
  EXPECT_NE(s->seen.nth(1).broken.find("spot_output"), std::string::npos);
}

TEST_P(deferred_answer, is_ended_by_a_drain) {
  deferring s;
  client c = s->connect();
  ASSERT_TRUE(c.send(get(GetParam())));
  const auto d = s.nth(0);
  const auto [now, cancel] = with_timeout(background(), 0s);
  EXPECT_FALSE(s->server.drain(now, patience));
  EXPECT_EQ(c.receive().status, 503);
  EXPECT_TRUE(answer(d, "too late"));
}

TEST_P(deferred_answer, larger_than_the_client_takes_is_sent_while_it_reads) {
  deferring s;
  client c = s->connect(4096);
  ASSERT_TRUE(c.send(get(GetParam())));
  EXPECT_FALSE(answer(s.nth(0), std::string(5'000'000, 'x')));
  EXPECT_EQ(c.receive().body.size(), 5'000'000U);
  EXPECT_EQ(s->seen.nth(0).end, request_end::completed);
}

INSTANTIATE_TEST_SUITE_P(of_a_route, deferred_answer, testing::Values("/spot", "/pool"),
                         [](const auto& of) { return of.param.substr(1); });

TEST(deferred_answer_of_a_handler, may_come_before_it_returns_and_then_it_may_throw) {
  setup how;
  how.more.push_back([](live_server& s) {
    for (const auto* path : {"/a", "/b"}) {
      s.server.handle({.method = "GET",
                       .path = path,
                       .runs_on = path[1] == 'a' ? nullptr : &s.many,
                       .answer = [](const context&, const http::request&, http::reply& res) {
                         const auto d = res.defer();
                         EXPECT_THROW(res.defer(), std::logic_error);
                         EXPECT_FALSE(answer(d, "early"));
                         EXPECT_EQ(answer(d, "twice"), std::errc::already_connected);
                         res.body("text/plain", "without effect");
                         throw std::runtime_error("without effect");
                       }});
    }
  });
  live_server server(how);
  client c = server.connect();
  for (const auto* path : {"/a", "/b"}) {
    const auto a = c.ask(get(path));
    EXPECT_EQ(a.status, 200);
    EXPECT_EQ(a.body, "early");
  }
}

// Answers, hang-ups and deadlines at random moments: each request ends once, and nothing is used
// after its end.
TEST(deferred_answers, in_a_storm_of_hang_ups_each_request_ends_once) {
  setup how;
  std::mutex mutex;
  std::vector<http::deferred> waiting;
  std::atomic<bool> over{false};
  how.more.push_back([&](live_server& s) {
    for (const auto* path : {"/a", "/b"}) {
      s.server.handle({.method = "GET",
                       .path = path,
                       .runs_on = path[1] == 'a' ? nullptr : &s.many,
                       .deadline = 20ms,
                       .answer = [&](const context&, const http::request&, http::reply& res) {
                         const std::lock_guard hold(mutex);
                         waiting.push_back(res.defer());
                       }});
    }
  });
  live_server server(how);
  std::vector<std::thread> answering;
  for (int i = 0; i < 2; ++i) {
    answering.emplace_back([&] {
      while (!over) {
        std::vector<http::deferred> taken;
        {
          const std::lock_guard hold(mutex);
          taken.swap(waiting);
        }
        for (const auto& d : taken) {
          static_cast<void>(answer(d, "an answer"));
        }
        std::this_thread::yield();
      }
    });
  }
  std::vector<std::thread> asking;
  for (unsigned n = 0; n < 4; ++n) {
    asking.emplace_back([&, n] {
      for (unsigned i = 0; i < static_cast<unsigned>(rounds(200)); ++i) {
        client c = server.connect();
        static_cast<void>(c.send(get(i % 2 == 0 ? "/a" : "/b")));
        if ((i + n) % 3 == 0) {
          c.reset();
        } else if ((i + n) % 3 == 1) {
          c.close();
        } else {
          const auto a = c.receive();
          EXPECT_TRUE(a.status == 200 || a.status == 504 || a.status == 503) << a.status;
        }
      }
    });
  }
  for (auto& t : asking) {
    t.join();
  }
  EXPECT_TRUE(server.await_all_gone());
  over = true;
  for (auto& t : answering) {
    t.join();
  }
}

}  // namespace
}  // namespace hangup::wire
