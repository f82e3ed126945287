#include "http/session/http1.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace hangup::http {
namespace {

using action = http1::action;
using state = http1::state;

constexpr std::string_view get_a = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view get_b = "GET /b HTTP/1.1\r\nHost: h\r\n\r\n";

std::string post(std::string_view body, std::string_view headers = "") {
  return "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

// A session, and what a handler would get of its body.
struct session : http1 {
  session() : http1(head_limits{}) {}

  body_rule whole_body() { return {.keep_in = &data}; }

  action get(std::string_view bytes) {
    append(bytes);
    return arrived(false);
  }
  // The whole answer is sent, and the request reported.
  action answer() {
    EXPECT_EQ(answered(true, false), action::finish);
    return finished(false, discard_rest() == rest::discarded);
  }

  std::string data;
};

TEST(http1, waits_between_requests_and_within_a_head) {
  session s;
  EXPECT_EQ(s.at(), state::between);
  EXPECT_EQ(s.nothing_arrived(false), action::wait);
  for (const char c : get_a.substr(0, get_a.size() - 1)) {
    EXPECT_EQ(s.get({&c, 1}), action::wait);
    EXPECT_EQ(s.at(), state::head);
  }
  EXPECT_EQ(s.get("\n"), action::begin);
  EXPECT_EQ(s.head().path, "/a");
}

TEST(http1, empty_lines_before_a_request_are_no_part_of_it) {
  session s;
  EXPECT_EQ(s.get("\r\n\r\n"), action::wait);
  EXPECT_EQ(s.at(), state::between);
  EXPECT_EQ(s.get(get_a), action::begin);
}

TEST(http1, a_request_without_a_body_starts_at_once) {
  session s;
  ASSERT_EQ(s.get(get_a), action::begin);
  EXPECT_EQ(s.accept({}), action::start);
  EXPECT_EQ(s.at(), state::work);
  EXPECT_TRUE(s.received().empty());
}

TEST(http1, pipelined_requests_are_served_one_after_the_other) {
  session s;
  ASSERT_EQ(s.get(std::string(get_a) + std::string(get_b)), action::begin);
  EXPECT_EQ(s.head().path, "/a");
  ASSERT_EQ(s.accept({}), action::start);
  EXPECT_EQ(s.received(), get_b);
  ASSERT_EQ(s.answer(), action::next);
  ASSERT_EQ(s.next(false), action::begin);
  EXPECT_EQ(s.head().path, "/b");
  ASSERT_EQ(s.accept({}), action::start);
  ASSERT_EQ(s.answer(), action::next);
  EXPECT_EQ(s.next(false), action::wait);
  EXPECT_EQ(s.at(), state::between);
}

TEST(http1, after_sixteen_in_a_row_others_have_their_turn) {
  session s;
  for (int i = 0; i < 40; ++i) {
    s.append(get_a);
  }
  int turns = 0;
  int requests = 0;
  for (auto what = s.arrived(false); what != action::wait;) {
    if (what == action::yield) {
      EXPECT_EQ(requests, 16 * ++turns);
      what = s.next(false);
      continue;
    }
    ASSERT_EQ(what, action::begin);
    ++requests;
    ASSERT_EQ(s.accept({}), action::start);
    ASSERT_EQ(s.answer(), action::next);
    what = s.next(false);
  }
  EXPECT_EQ(turns, 2);
  EXPECT_EQ(requests, 40);
}

TEST(http1, a_head_that_is_refused_is_answered_and_is_the_last) {
  session s;
  ASSERT_EQ(s.get("GET /a HTTP/1.1\r\n\r\n"), action::refuse);
  EXPECT_EQ(s.at(), state::head);  // no request has begun
  EXPECT_EQ(s.why().status, 400);
  EXPECT_FALSE(s.keeps());
  EXPECT_EQ(s.answer(), action::linger);
}

TEST(http1, a_head_that_is_too_large_is_a_limit) {
  session s;
  ASSERT_EQ(s.get("GET /a HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'x')), action::refuse);
  EXPECT_EQ(s.why().status, 431);
  EXPECT_NE(s.why().over, limit::none);
}

TEST(http1, a_body_is_waited_for_and_kept_for_the_handler) {
  session s;
  const auto bytes = post("12345");
  ASSERT_EQ(s.get(bytes.substr(0, bytes.size() - 3)), action::begin);
  ASSERT_EQ(s.accept(s.whole_body()), action::wait);
  EXPECT_EQ(s.at(), state::body);
  EXPECT_EQ(s.get("34"), action::wait);
  EXPECT_EQ(s.get(std::string("5") + std::string(get_b)), action::start);
  EXPECT_EQ(s.data, "12345");
  EXPECT_EQ(s.received(), get_b);
}

TEST(http1, a_body_in_chunks_is_waited_for_up_to_its_last_byte) {
  session s;
  ASSERT_EQ(s.get("POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123"),
            action::begin);
  ASSERT_EQ(s.accept(s.whole_body()), action::wait);
  EXPECT_EQ(s.get("45\r\n0\r\n"), action::wait);
  EXPECT_EQ(s.get("\r\n"), action::start);
  EXPECT_EQ(s.data, "12345");
}

TEST(http1, a_body_that_no_handler_gets_does_not_use_memory) {
  session s;
  ASSERT_EQ(s.get(post(std::string(1000, 'x')).substr(0, 500)), action::begin);
  ASSERT_EQ(s.accept({}), action::wait);
  EXPECT_TRUE(s.received().empty());
  EXPECT_TRUE(s.discards());
  EXPECT_EQ(s.data, "");
}

TEST(http1, a_large_body_lets_its_handler_start_when_enough_is_there) {
  session s;
  ASSERT_EQ(s.get(post(std::string(1000, 'x')).substr(0, 400)), action::begin);
  ASSERT_EQ(s.accept({.keep_in = &s.data, .enough = 200}), action::start);
  EXPECT_FALSE(s.body().complete());
  s.append(std::string(1000, 'x'));
  EXPECT_TRUE(s.take_body());
  EXPECT_TRUE(s.body().complete());
  EXPECT_EQ(s.data.size(), 1000U);
}

TEST(http1, a_body_that_nobody_gets_and_has_not_arrived_is_left_behind) {
  session s;
  ASSERT_EQ(s.get(post(std::string(1000, 'x')).substr(0, 400)), action::begin);
  ASSERT_EQ(s.accept({.enough = 200}), action::start);
  EXPECT_TRUE(s.leaves_body());

  session arrived;
  ASSERT_EQ(arrived.get(post("12345")), action::begin);
  ASSERT_EQ(arrived.accept({.enough = 2}), action::start);
  EXPECT_FALSE(arrived.leaves_body());

  session waited_for;
  ASSERT_EQ(waited_for.get(post(std::string(1000, 'x')).substr(0, 400)), action::begin);
  ASSERT_EQ(waited_for.accept({.keep_in = &waited_for.data, .enough = 200}), action::start);
  EXPECT_FALSE(waited_for.leaves_body()) << "a worker reads the rest";
}

TEST(http1, a_body_that_is_too_large_or_malformed_is_refused_in_the_middle_of_a_request) {
  session large;
  ASSERT_EQ(large.get(post("12345")), action::begin);
  ASSERT_EQ(large.accept({.keep_in = &large.data, .largest = 4}), action::refuse);
  EXPECT_EQ(large.at(), state::body);  // the request has begun
  EXPECT_EQ(large.why().status, 413);
  EXPECT_EQ(large.answer(), action::linger);

  session malformed;
  ASSERT_EQ(malformed.get("POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx"),
            action::begin);
  ASSERT_EQ(malformed.accept(malformed.whole_body()), action::refuse);
  EXPECT_EQ(malformed.why().status, 400);
}

TEST(http1, continue_is_sent_once_and_only_while_the_body_is_awaited) {
  const auto bytes = post("12345", "Expect: 100-continue\r\n");
  session waits;
  ASSERT_EQ(waits.get(bytes.substr(0, bytes.size() - 5)), action::begin);
  ASSERT_EQ(waits.accept(waits.whole_body()), action::proceed);
  EXPECT_EQ(waits.get("1"), action::wait);
  EXPECT_EQ(waits.get("2345"), action::start);

  session has_begun;
  ASSERT_EQ(has_begun.get(bytes.substr(0, bytes.size() - 2)), action::begin);
  EXPECT_EQ(has_begun.accept(has_begun.whole_body()), action::wait);

  session is_there;
  ASSERT_EQ(is_there.get(bytes), action::begin);
  EXPECT_EQ(is_there.accept(is_there.whole_body()), action::start);
}

TEST(http1, the_rest_of_a_body_is_gone_before_the_next_request) {
  session s;
  ASSERT_EQ(s.get(post(std::string(1000, 'x')).substr(0, 400)), action::begin);
  ASSERT_EQ(s.accept({.keep_in = &s.data, .enough = 200}), action::start);
  ASSERT_EQ(s.answered(true, false), action::finish);
  EXPECT_EQ(s.discard_rest(), http1::rest::more);
  s.append(std::string(1000, 'x'));
  EXPECT_EQ(s.discard_rest(), http1::rest::discarded);
}

TEST(http1, a_body_that_does_not_end_is_no_reason_to_wait) {
  session s;
  ASSERT_EQ(s.get(post(std::string(1000, 'x')).substr(0, 400)), action::begin);
  ASSERT_EQ(s.accept({.keep_in = &s.data, .enough = 200}), action::start);
  ASSERT_EQ(s.answered(true, false), action::finish);
  EXPECT_EQ(s.finished(false, false), action::linger);
}

TEST(http1, the_client_decides_that_the_connection_closes) {
  for (const std::string_view head :
       {"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET /a HTTP/1.0\r\n\r\n",
        "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"}) {
    session s;
    ASSERT_EQ(s.get(std::string(head) + std::string(get_b)), action::begin) << head;
    ASSERT_EQ(s.accept({}), action::start) << head;
    EXPECT_TRUE(s.discards()) << head;  // what follows is never served
    EXPECT_EQ(s.answer(), action::linger) << head;
  }
}

TEST(http1, a_drain_closes_after_the_answer) {
  session s;
  ASSERT_EQ(s.get(std::string(get_a) + std::string(get_b)), action::begin);
  ASSERT_EQ(s.accept({}), action::start);
  s.close_after();
  EXPECT_EQ(s.answer(), action::linger);
}

TEST(http1, a_server_that_closes_serves_no_further_request) {
  session s;
  EXPECT_EQ(s.next(true), action::linger);
  session half;
  ASSERT_EQ(half.get(get_a.substr(0, 10)), action::wait);
  EXPECT_EQ(half.nothing_arrived(true), action::close);
  half.append("x");
  EXPECT_EQ(half.arrived(true), action::linger);
  session in_body;
  ASSERT_EQ(in_body.get(post("12345").substr(0, 50)), action::begin);
  ASSERT_EQ(in_body.accept(in_body.whole_body()), action::wait);
  EXPECT_EQ(in_body.nothing_arrived(true), action::left);
}

TEST(http1, a_client_that_leaves_takes_its_request_along) {
  session between;
  EXPECT_EQ(between.input_ended(), action::close);
  session in_head;
  ASSERT_EQ(in_head.get(get_a.substr(0, 10)), action::wait);
  EXPECT_EQ(in_head.input_ended(), action::close);  // there is no request yet
  session in_body;
  ASSERT_EQ(in_body.get(post("12345").substr(0, 50)), action::begin);
  ASSERT_EQ(in_body.accept(in_body.whole_body()), action::wait);
  EXPECT_EQ(in_body.input_ended(), action::left);
  EXPECT_EQ(in_body.ended_early(0), action::drop);  // nothing is sent
}

TEST(http1, a_client_that_left_while_its_request_was_queued_gets_nothing) {
  session s;
  ASSERT_EQ(s.get(get_a), action::begin);
  ASSERT_EQ(s.accept({}), action::start);
  EXPECT_EQ(s.ended_early(0), action::drop);
}

TEST(http1, a_deadline_in_the_queue_is_a_504_and_the_connection_is_kept) {
  session s;
  ASSERT_EQ(s.get(get_a), action::begin);
  ASSERT_EQ(s.accept({}), action::start);
  ASSERT_EQ(s.ended_early(504), action::refuse);
  EXPECT_EQ(s.why().status, 504);
  EXPECT_EQ(s.answer(), action::next);
}

TEST(http1, a_stop_in_the_queue_is_a_503_and_the_last_answer) {
  session s;
  ASSERT_EQ(s.get(get_a), action::begin);
  ASSERT_EQ(s.accept({}), action::start);
  ASSERT_EQ(s.ended_early(503), action::refuse);
  EXPECT_EQ(s.why().status, 503);
  EXPECT_EQ(s.why().headers, "Retry-After: 1\r\n");
  EXPECT_EQ(s.answer(), action::linger);
}

TEST(http1, a_request_that_somebody_has_ended_in_the_queue_is_a_503_and_the_connection_is_kept) {
  session s;
  ASSERT_EQ(s.get(get_a), action::begin);
  ASSERT_EQ(s.accept({}), action::start);
  ASSERT_EQ(s.ended_early(503, "ended by an operator"), action::refuse);
  EXPECT_EQ(s.why().status, 503);
  EXPECT_EQ(s.why().detail, "ended by an operator");
  EXPECT_EQ(s.why().headers, "");
  EXPECT_EQ(s.answer(), action::next);
}

TEST(http1, too_late_is_a_408_within_a_request_and_a_close_between_two) {
  session between;
  EXPECT_EQ(between.timed_out(), action::close);

  session in_head;
  ASSERT_EQ(in_head.get("HEAD /a HTTP/1.1\r\nHo"), action::wait);
  ASSERT_EQ(in_head.timed_out(), action::refuse);
  EXPECT_EQ(in_head.at(), state::head);
  EXPECT_EQ(in_head.why().status, 408);
  EXPECT_EQ(in_head.why().over, limit::head_time);
  EXPECT_TRUE(in_head.head().method.empty());
  EXPECT_FALSE(in_head.to_head());  // that is not certain
  EXPECT_EQ(in_head.answer(), action::linger);

  session in_body;
  ASSERT_EQ(in_body.get(post("12345").substr(0, 50)), action::begin);
  ASSERT_EQ(in_body.accept(in_body.whole_body()), action::wait);
  ASSERT_EQ(in_body.timed_out(), action::refuse);
  EXPECT_EQ(in_body.why().over, limit::body_time);
  EXPECT_EQ(in_body.answer(), action::linger);
}

TEST(http1, an_answer_that_the_client_has_not_taken_waits_for_room) {
  session s;
  ASSERT_EQ(s.get(std::string(get_a) + std::string(get_b)), action::begin);
  ASSERT_EQ(s.accept({}), action::start);
  EXPECT_EQ(s.answered(true, true), action::wait);
  EXPECT_EQ(s.at(), state::room);
  EXPECT_EQ(s.answered(true, true), action::wait);  // there was room for a part
  EXPECT_EQ(s.answer(), action::next);
}

TEST(http1, a_client_that_does_not_read_is_cut_off) {
  session s;
  ASSERT_EQ(s.get(get_a), action::begin);
  ASSERT_EQ(s.accept({}), action::start);
  ASSERT_EQ(s.answered(true, true), action::wait);
  EXPECT_EQ(s.timed_out(), action::cut_off);
}

TEST(http1, an_answer_that_broke_off_closes_the_connection) {
  session s;
  ASSERT_EQ(s.get(std::string(get_a) + std::string(get_b)), action::begin);
  ASSERT_EQ(s.accept({}), action::start);
  EXPECT_EQ(s.answered(false, true), action::finish);
  EXPECT_EQ(s.finished(false, true), action::linger);
}

TEST(http1, an_answer_of_which_nothing_was_sent_is_dropped) {
  session s;
  ASSERT_EQ(s.get(get_a), action::begin);
  ASSERT_EQ(s.accept({}), action::start);
  EXPECT_EQ(s.answered(false, false), action::finish);
  EXPECT_EQ(s.finished(true, true), action::drop);
}

TEST(http1, without_a_route_the_connection_is_kept_if_there_is_no_body) {
  session plain;
  ASSERT_EQ(plain.get(get_a), action::begin);
  plain.accept_none();
  EXPECT_EQ(plain.at(), state::work);
  EXPECT_EQ(plain.answer(), action::next);

  session with_body;
  ASSERT_EQ(with_body.get(post("12345")), action::begin);
  with_body.accept_none();
  EXPECT_EQ(with_body.answer(), action::linger);
}

TEST(http1, an_answer_to_head_has_no_body) {
  session s;
  ASSERT_EQ(s.get("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n"), action::begin);
  EXPECT_TRUE(s.to_head());
  ASSERT_EQ(s.accept({}), action::start);
  ASSERT_EQ(s.answer(), action::next);
  s.append(get_b);
  ASSERT_EQ(s.next(false), action::begin);
  EXPECT_FALSE(s.to_head());
}

TEST(http1, can_refuse_everything_for_one_reason_and_counts_the_limit_that_was_reached) {
  session s;
  s.refuse_all({.status = 400, .detail = "not here"});
  ASSERT_EQ(s.get(get_a), action::refuse);
  EXPECT_EQ(s.why().detail, "not here");
  EXPECT_EQ(s.answer(), action::linger);

  session slow;
  slow.refuse_all({.status = 400, .detail = "not here"});
  ASSERT_EQ(slow.get("GET /a"), action::wait);
  ASSERT_EQ(slow.timed_out(), action::refuse);
  EXPECT_EQ(slow.why().status, 400);
  EXPECT_EQ(slow.why().over, limit::head_time);
}

TEST(http1, what_was_read_ahead_and_nobody_gets_is_thrown_away) {
  session last;
  ASSERT_EQ(last.get("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), action::begin);
  ASSERT_EQ(last.accept({}), action::start);
  last.append(get_b);
  last.discard_received();
  EXPECT_TRUE(last.received().empty());

  session unread;
  ASSERT_EQ(unread.get(post("12345").substr(0, 48)), action::begin);
  ASSERT_EQ(unread.accept({.enough = 0}), action::start);
  unread.append("12345" + std::string(get_b));
  unread.discard_received();
  EXPECT_FALSE(unread.received().empty());  // the next request stays
}

}  // namespace
}  // namespace hangup::http
