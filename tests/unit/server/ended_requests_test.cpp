// What is kept of requests that have ended.
#include "server/ended_requests.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hangup::server {
namespace {

using namespace std::chrono_literals;
using http::request_end;

const http::clock::time_point start{1000s};
const http::route slow{"GET", "/slow"};
const http::route fast{"GET", "/fast"};

http::request_report report(std::string_view id, request_end end, const http::route& to = slow,
                            std::chrono::seconds ended = 1s) {
  http::request_report r{id, "GET", "/slow", "127.0.0.1:1", to, end};
  r.status = end == request_end::completed ? 200 : 499;
  r.started = start;
  r.ended = start + ended;
  return r;
}

std::string ids(const std::vector<ended_requests::entry>& all) {
  std::string text;
  for (const auto& e : all) {
    text.append(text.empty() ? "" : " ").append(e.id);
  }
  return text;
}

TEST(ended_requests, are_listed_newest_first_and_no_more_than_asked_for) {
  ended_requests ring({.completed = 3, .not_completed = 3});
  EXPECT_TRUE(ring.newest_first(10).empty());
  for (const auto* id : {"a", "b", "c", "d"}) {
    ring.ended(report(id, request_end::client_closed));
  }
  EXPECT_EQ(ids(ring.newest_first(10)), "d c b") << "the oldest is forgotten";
  EXPECT_EQ(ids(ring.newest_first(1)), "d");
  EXPECT_TRUE(ring.newest_first(0).empty());
}

TEST(ended_requests, that_were_completed_push_no_others_out_and_are_listed_in_one_order_with_them) {
  ended_requests ring({.completed = 2, .not_completed = 3});
  ring.ended(report("left", request_end::client_closed));
  for (int i = 0; i < 5000; ++i) {
    ring.ended(report("ok" + std::to_string(i), request_end::completed));
  }
  ring.ended(report("late", request_end::deadline));
  ring.ended(report("last", request_end::completed));
  EXPECT_EQ(ids(ring.newest_first(10)), "last late ok4999 left");
  const auto all = ring.newest_first(10);
  for (std::size_t i = 1; i < all.size(); ++i) {
    EXPECT_LT(all[i].number, all[i - 1].number);
  }
}

TEST(ended_requests, that_were_refused_push_no_hang_up_out_and_are_listed_in_one_order_with_it) {
  ended_requests ring({.completed = 2, .not_completed = 3});
  ring.ended(report("left", request_end::client_closed));
  for (int i = 0; i < 5000; ++i) {
    ring.ended(report("bad" + std::to_string(i), request_end::bad_request));
  }
  ring.ended(report("ok", request_end::completed));
  ring.ended(report("full", request_end::rejected));
  ring.ended(report("late", request_end::deadline));
  EXPECT_EQ(ids(ring.newest_first(10)), "late full ok bad4999 bad4998 left");
  EXPECT_EQ(ids(ring.newest_first(10, ended_requests::newest, {.end = request_end::rejected})),
            "full");
  EXPECT_EQ(ids(ring.newest_first(10, ended_requests::newest, {.end = request_end::client_closed})),
            "left");
}

TEST(ended_requests, have_none_of_those_who_look_at_requests) {
  const http::route events{"GET", "/requests/events"};
  ended_requests ring({.completed = 1, .not_completed = 1});
  ring.ended(report("left", request_end::client_closed));
  ring.ended(report("viewer", request_end::client_closed, events));
  EXPECT_EQ(ids(ring.newest_first(10)), "left");
}

TEST(ended_requests, are_listed_in_pages_that_do_not_change_while_others_end) {
  ended_requests ring({.completed = 100, .not_completed = 100});
  for (int i = 0; i < 10; ++i) {
    ring.ended(
        report(std::to_string(i), i % 2 == 0 ? request_end::completed : request_end::failed));
  }
  const auto last = ring.last_of(4, ended_requests::newest, {});
  ASSERT_TRUE(last);
  EXPECT_EQ(ids(ring.newest_first(4)), "9 8 7 6");
  ring.ended(report("new", request_end::completed));
  EXPECT_EQ(ids(ring.newest_first(4, *last)), "5 4 3 2");
  EXPECT_FALSE(ring.last_of(2, ring.newest_first(4, *last).back().number, {})) << "1 and 0 are all";
  EXPECT_EQ(ids(ring.newest_first(4, 1)), "") << "nothing ended before the first";
}

TEST(ended_requests, are_chosen_by_route_end_and_time) {
  ended_requests ring({.completed = 2000, .not_completed = 2000});
  for (int i = 0; i < 1500; ++i) {  // more than are looked at under one lock
    ring.ended(report("x", request_end::completed, fast, 1s));
  }
  ring.ended(report("a", request_end::client_closed, slow, 1s));
  ring.ended(report("b", request_end::client_closed, fast, 2s));
  ring.ended(report("c", request_end::completed, slow, 3s));
  ring.ended(report("d", request_end::deadline, slow, 4s));
  for (int i = 0; i < 400; ++i) {
    ring.ended(report("x", request_end::completed, fast, 1s));
  }
  const auto some = [&](const ended_filter& which) {
    return ids(ring.newest_first(10, ended_requests::newest, which));
  };
  EXPECT_EQ(some({.route = "/slow"}), "d c a");
  EXPECT_EQ(some({.end = request_end::client_closed}), "b a");
  EXPECT_EQ(some({.route = "/slow", .end = request_end::completed}), "c");
  EXPECT_EQ(some({.since = start + 3s}), "d c");
  EXPECT_EQ(some({.route = "/nowhere"}), "");
  EXPECT_FALSE(ring.last_of(3, ended_requests::newest, {.route = "/slow"}));
  ASSERT_TRUE(ring.last_of(2, ended_requests::newest, {.route = "/slow"}));
}

TEST(ended_requests, keep_everything_but_the_end_of_a_long_target) {
  ended_requests ring({.completed = 2, .not_completed = 2});
  auto r = report("1", request_end::operator_request);
  const std::string target(5000, 'x');
  const http::asker who{"op-1", "10.0.0.1:9"};
  r.target = target;
  r.cause = "ended by an operator: too slow";
  r.context_ended = start + 1s;
  r.work_stopped = start + 1s + 2ms;
  r.number = 77;
  r.by = &who;
  ring.ended(r);
  const auto e = ring.newest_first(1).front();
  EXPECT_LT(e.target.size(), 1000U);
  EXPECT_EQ(e.target_bytes, 5000U);
  EXPECT_EQ(e.request, 77U);
  EXPECT_EQ(e.route, "/slow");
  EXPECT_EQ(e.end, request_end::operator_request);
  EXPECT_EQ(e.cause, "ended by an operator: too slow");
  EXPECT_EQ(e.status, 499);
  EXPECT_EQ(e.context_ended, start + 1s);
  EXPECT_EQ(e.work_stopped, start + 1s + 2ms);
  ASSERT_TRUE(e.by);
  EXPECT_EQ(e.by->request, "op-1");
  EXPECT_EQ(e.by->client, "10.0.0.1:9");
}

TEST(ended_requests, of_another_request_leave_nothing_in_a_place_that_is_used_again) {
  ended_requests ring({.completed = 1, .not_completed = 1});
  auto first = report("1", request_end::client_closed);
  const http::asker who{"op-1", "10.0.0.1:9"};
  first.cause = "client closed (FIN)";
  first.context_ended = start;
  first.work_stopped = start;
  first.by = &who;
  for (const auto end : {request_end::client_closed, request_end::completed}) {
    first.end = end;
    ring.ended(first);
    ring.ended(report("2", end));
    ring.ended(report("3", end));
    const auto e = ring.newest_first(1).front();
    EXPECT_EQ(e.id, "3");
    EXPECT_EQ(e.cause, "");
    EXPECT_FALSE(e.context_ended);
    EXPECT_FALSE(e.work_stopped);
    EXPECT_FALSE(e.by);
  }
}

}  // namespace
}  // namespace hangup::server
