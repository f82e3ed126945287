// An operator ends requests in flight, by their own numbers.
#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <set>
#include <stdexcept>

#include "hangup/http/causes.h"
#include "tests/wire/with_tasks.h"

namespace hangup::wire {
namespace {

cause told(std::string text = "too slow") {
  return {.kind = http::causes::operator_request, .text = std::move(text)};
}

// The number of the one request in flight with this target; 0: there is none, or another one.
std::uint64_t number_of(const live_server& s, const std::string& target) {
  std::uint64_t found = 0;
  EXPECT_TRUE(eventually([&] {
    const auto all = s.server.in_flight();
    const auto it =
        std::find_if(all.begin(), all.end(), [&](const auto& v) { return v.target == target; });
    found = it != all.end() ? it->number : 0;
    return found != 0;
  })) << target
      << " is not in flight";
  return found;
}

class ended_by_an_operator : public testing::Test {
 protected:
  live_server& server() { return *all_; }
  // Ends the one request with this target, and checks that the client gets a 503 for it.
  void end(const std::string& target, client& c) {
    const auto number = number_of(server(), target);
    EXPECT_EQ(server().server.end_request(number, told(), {"op-1", "10.0.0.1:9"}),
              http::ending::ended);
    const auto a = c.receive();
    EXPECT_EQ(a.status, 503) << target;
    const auto r = server().seen.of(target);
    EXPECT_EQ(r.end, request_end::operator_request) << r;
    EXPECT_EQ(r.cause, "ended by an operator: too slow");
    EXPECT_EQ(r.number, number);
    ASSERT_TRUE(r.by);
    EXPECT_EQ(r.by->request, "op-1");
    EXPECT_EQ(r.by->client, "10.0.0.1:9");
    EXPECT_TRUE(eventually([&] {
      return server().server.end_request(number, told()) == http::ending::unknown;
    })) << "it is over";
  }

 private:
  with_tasks all_{[](live_server& s, loop& tasks) { add_waiting(s, tasks); }};
};

TEST_F(ended_by_an_operator, a_request_that_runs_stops) {
  client c = server().connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server().at.await("/wait"));
  end("/wait", c);
}

TEST_F(ended_by_an_operator, a_task_stops) {
  client c = server().connect();
  ASSERT_TRUE(c.send(get("/task/wait")));
  ASSERT_TRUE(server().at.await("/task/wait"));
  end("/task/wait", c);
}

TEST_F(ended_by_an_operator, a_request_in_the_queue_is_never_started) {
  client busy = server().connect();
  ASSERT_TRUE(busy.send(get("/one/stubborn")));
  ASSERT_TRUE(server().at.await("/one/stubborn"));
  client c = server().connect();
  ASSERT_TRUE(c.send(get("/one/wait")));
  end("/one/wait", c);
  EXPECT_FALSE(server().seen.of("/one/wait").started);
  server().gate.open();
  EXPECT_EQ(busy.receive().status, 200);
}

TEST_F(ended_by_an_operator, a_request_that_waits_for_its_body_is_answered_at_once) {
  client c = server().connect();
  ASSERT_TRUE(c.send(part_of_body("/pool/echo", 100, 50)));
  end("/pool/echo", c);
}

TEST_F(ended_by_an_operator, an_answer_that_has_begun_is_broken_off) {
  client c = server().connect();
  ASSERT_TRUE(c.send(get("/pool/rows")));
  ASSERT_FALSE(c.receive_until("rr").empty());
  EXPECT_EQ(server().server.end_request(number_of(server(), "/pool/rows"), told()),
            http::ending::ended);
  EXPECT_FALSE(c.receive_rest().ends_with("0\r\n\r\n"));
  EXPECT_EQ(server().seen.of("/pool/rows").end, request_end::operator_request);
}

TEST_F(ended_by_an_operator, an_answer_that_waits_for_its_reader_on_no_thread_is_broken_off) {
  client c = server().connect(4096);
  ASSERT_TRUE(c.send(get("/big?size=7000000")));
  ASSERT_TRUE(eventually([&] { return server().connections(http::phase::writing) == 1; }));
  EXPECT_EQ(server().server.end_request(number_of(server(), "/big?size=7000000"), told()),
            http::ending::ended);
  EXPECT_EQ(server().seen.of("/big?size=7000000").end, request_end::operator_request)
      << "nobody reads, so nothing else can end it";
  EXPECT_LT(c.receive_rest().size(), 7'000'000U);
}

TEST_F(ended_by_an_operator, a_request_that_does_not_stop_is_stopping_already) {
  client c = server().connect();
  ASSERT_TRUE(c.send(get("/stubborn")));
  ASSERT_TRUE(server().at.await("/stubborn"));
  const auto number = number_of(server(), "/stubborn");
  EXPECT_EQ(server().server.end_request(number, told("first"), {"a", "1"}), http::ending::ended);
  EXPECT_EQ(server().server.end_request(number, told("second"), {"b", "2"}),
            http::ending::already_stopping);
  server().gate.open();
  static_cast<void>(c.receive());
  const auto r = server().seen.of("/stubborn");
  EXPECT_EQ(r.cause, "ended by an operator: first");
  ASSERT_TRUE(r.by);
  EXPECT_EQ(r.by->request, "a");
}

// The same rule as for a deadline: deadline.does_not_withhold_what_the_handler_answers_after_it.
TEST_F(ended_by_an_operator, a_handler_that_answers_all_the_same_has_its_answer_sent) {
  client c = server().connect();
  ASSERT_TRUE(c.send(get("/stubborn")));
  ASSERT_TRUE(server().at.await("/stubborn"));
  EXPECT_EQ(server().server.end_request(number_of(server(), "/stubborn"), told()),
            http::ending::ended);
  server().gate.open();
  const auto a = c.receive();
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, "at last\n");
  const auto r = server().seen.of("/stubborn");
  EXPECT_EQ(r.end, request_end::operator_request);
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
}

TEST_F(ended_by_an_operator, one_whose_client_has_left_is_stopping_already) {
  client c = server().connect();
  ASSERT_TRUE(c.send(get("/stubborn")));
  ASSERT_TRUE(server().at.await("/stubborn"));
  const auto number = number_of(server(), "/stubborn");
  c.close();
  ASSERT_TRUE(eventually([&] { return server().server.in_flight().at(0).context_ended; }));
  EXPECT_EQ(server().server.end_request(number, told()), http::ending::already_stopping);
  server().gate.open();
  EXPECT_EQ(server().seen.of("/stubborn").end, request_end::client_closed);
  EXPECT_FALSE(server().seen.of("/stubborn").by);
}

TEST_F(ended_by_an_operator, only_one_of_two_with_the_same_id_stops) {
  client a = server().connect();
  client b = server().connect();
  ASSERT_TRUE(a.send(get("/wait?a", "X-Request-Id: same\r\n")));
  ASSERT_TRUE(b.send(get("/wait?b", "X-Request-Id: same\r\n")));
  ASSERT_TRUE(server().at.await("/wait", 2));
  end("/wait?b", b);
  EXPECT_TRUE(eventually([&] { return server().server.in_flight_count() == 1; }));
  end("/wait?a", a);
}

TEST_F(ended_by_an_operator, an_unknown_number_is_nobodys) {
  EXPECT_EQ(server().server.end_request(0, told()), http::ending::unknown);
  EXPECT_EQ(server().server.end_request(UINT64_MAX, told()), http::ending::unknown);
}

TEST_F(ended_by_an_operator, many_at_once_are_counted) {
  std::vector<client> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(server().connect());
    ASSERT_TRUE(all.back().send(get(i % 2 == 0 ? "/wait" : "/task/wait")));
  }
  ASSERT_TRUE(server().at.await("/wait", 3));
  ASSERT_TRUE(server().at.await("/task/wait", 3));
  const auto pooled = [](const http::request_view& v) { return v.to->path == "/wait"; };
  EXPECT_EQ(server().server.end_requests(pooled, told()), 3U);
  ASSERT_TRUE(server().seen.await_ended(3));
  EXPECT_EQ(server().seen.count(request_end::operator_request), 3U);
  EXPECT_EQ(server().server.end_requests(pooled, told()), 0U);
  EXPECT_EQ(server().server.end_requests([](const auto&) { return true; }, told()), 3U);
}

TEST_F(ended_by_an_operator, the_next_request_of_the_same_connection_lives) {
  client c = server().connect();
  ASSERT_TRUE(c.send(get("/wait")));
  end("/wait", c);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
}

// Else they could not be ended any more: a second call finds that they are stopping already.
TEST_F(ended_by_an_operator, those_that_were_chosen_end_also_if_the_choice_throws) {
  std::vector<client> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(server().connect());
    ASSERT_TRUE(all.back().send(part_of_body("/pool/echo", 100, 50)));
  }
  ASSERT_TRUE(eventually([&] { return server().server.in_flight_count() == 3; }));
  int looked_at = 0;
  const auto two_of_them = [&](const http::request_view&) {
    return ++looked_at < 3 ? true : throw std::runtime_error("the third");
  };
  EXPECT_THROW(server().server.end_requests(two_of_them, told()), std::runtime_error);
  ASSERT_TRUE(server().seen.await_ended(2));
  EXPECT_EQ(server().seen.count(request_end::operator_request), 2U);
  EXPECT_EQ(server().server.end_requests([](const auto&) { return true; }, told()), 1U);
}

TEST_F(ended_by_an_operator, a_request_is_found_again_by_its_view_until_it_is_over) {
  client c = server().connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server().at.await("/wait"));
  const auto seen = server().server.in_flight().at(0);
  const auto find = [&](std::uint64_t number, int connection) {
    return server().server.find_in_flight(number, connection);
  };
  const auto again = find(seen.number, seen.connection);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->target, "/wait");
  EXPECT_EQ(again->number, seen.number);
  EXPECT_EQ(again->connection, seen.connection);
  EXPECT_FALSE(find(seen.number + 1, seen.connection));
  for (const int other : {-1, seen.connection + 1, INT_MIN, INT_MAX}) {
    EXPECT_FALSE(find(seen.number, other)) << other;
  }
  end("/wait", c);
  EXPECT_FALSE(find(seen.number, seen.connection)) << "the connection is there, the request is not";
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server().at.await("/wait", 2));
  EXPECT_FALSE(find(seen.number, seen.connection)) << "that is the next one";
  c.close();
  ASSERT_TRUE(server().await_no_connections());
  EXPECT_FALSE(find(seen.number, seen.connection));
}

TEST(numbers_of_requests, are_different_and_in_their_order) {
  live_server s;
  client c = s.connect();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(c.ask(get("/fast")).status, 200);
  }
  ASSERT_TRUE(s.seen.await_ended(5));
  const auto all = s.seen.all();
  for (std::size_t i = 1; i < all.size(); ++i) {
    EXPECT_GT(all[i].number, all[i - 1].number);
  }
}

}  // namespace
}  // namespace hangup::wire
