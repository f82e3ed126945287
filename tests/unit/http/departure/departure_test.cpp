#include "http/departure/departure.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <cerrno>
#include <vector>

#include "hangup/http/causes.h"

namespace hangup::http {
namespace {

TEST(departure, a_fin_alone_is_closed_and_other_events_are_none) {
  EXPECT_EQ(departure_of(EPOLLRDHUP, 0, transport::tcp), departure::closed);
  EXPECT_EQ(departure_of(EPOLLIN | EPOLLRDHUP, ECONNRESET, transport::tcp), departure::closed);
  EXPECT_EQ(departure_of(EPOLLIN | EPOLLOUT | EPOLLPRI, ECONNRESET, transport::tcp),
            departure::none);
  EXPECT_EQ(departure_of(0, 0, transport::tcp), departure::none);
}

TEST(departure, with_an_error_event_the_error_decides) {
  for (const std::uint32_t events : {EPOLLHUP | EPOLLRDHUP, EPOLLERR | 0}) {
    EXPECT_TRUE(has_error(events));
    for (const int error : {ECONNRESET, EPIPE, 0}) {
      EXPECT_EQ(departure_of(events, error, transport::tcp), departure::reset) << error;
    }
    for (const int error : {ETIMEDOUT, EHOSTUNREACH}) {
      EXPECT_EQ(departure_of(events, error, transport::tcp), departure::vanished) << error;
    }
  }
  EXPECT_FALSE(has_error(EPOLLIN | EPOLLRDHUP));
}

TEST(departure, a_unix_socket_tells_a_close_of_both_directions) {
  const auto of = [](std::uint32_t events, int error) {
    return departure_of(events, error, transport::unix_socket);
  };
  EXPECT_EQ(of(EPOLLRDHUP, 0), departure::closed);
  EXPECT_EQ(of(EPOLLRDHUP | EPOLLHUP, 0), departure::closed_both);
  EXPECT_EQ(of(EPOLLRDHUP | EPOLLHUP | EPOLLERR, ECONNRESET), departure::reset);
  EXPECT_EQ(departure_by(EPIPE, transport::unix_socket), departure::closed_both);
  EXPECT_EQ(departure_by(EPIPE, transport::tcp), departure::reset);
}

TEST(departure, of_two_reports_the_one_that_says_more_is_greater) {
  EXPECT_LT(departure::none, departure::closed);
  EXPECT_LT(departure::closed, departure::closed_both);
  EXPECT_LT(departure::closed_both, departure::cut_off);
  EXPECT_LT(departure::shown_out, departure::reset);
  EXPECT_LT(departure::reset, departure::vanished);
}

struct way {
  departure how;
  cause_kind kind;
  const char* text;
  request_end end;
};

TEST(departure, each_way_to_leave_has_its_cause_and_its_end_and_nothing_is_sent) {
  const std::vector<way> ways{
      {departure::closed, causes::client_closed, "client closed (FIN)", request_end::client_closed},
      {departure::closed_both, causes::client_closed, "client closed (FIN)",
       request_end::client_closed},
      {departure::cut_off, causes::client_closed, "client closed (FIN): TLS was cut off",
       request_end::client_closed},
      {departure::shown_out, causes::client_closed,
       "client closed (FIN): shown out, its TLS only made work", request_end::client_closed},
      {departure::reset, causes::client_reset, "client reset (RST)", request_end::client_reset},
      {departure::vanished, causes::client_vanished, "client vanished (no answer)",
       request_end::client_vanished},
      {departure::unread, causes::write_timeout,
       "client did not read (write timeout): nothing was taken for user_timeout_ms",
       request_end::client_vanished},
  };
  for (const auto& w : ways) {
    const auto why = cause_of(w.how);
    EXPECT_EQ(why.kind, w.kind) << w.text;
    EXPECT_EQ(describe(why), w.text);
    EXPECT_EQ(end_of(why.kind), w.end) << w.text;
    EXPECT_TRUE(client_left(end_of(why.kind))) << w.text;
    EXPECT_EQ(status_of(end_of(why.kind)), 0) << w.text;
  }
}

TEST(departure, a_client_that_does_not_read_counts_as_vanished) {
  EXPECT_EQ(end_of(causes::write_timeout), request_end::client_vanished);
}

TEST(departure, other_causes_have_a_status_for_the_client_that_waits) {
  EXPECT_EQ(status_of(end_of(cause_kind::deadline)), 504);
  for (const auto kind : {cause_kind::shutdown, cause_kind::signal, causes::operator_request}) {
    EXPECT_EQ(status_of(end_of(kind)), 503) << kind.name();
  }
}

TEST(departure, a_kind_that_is_not_in_the_table_is_a_failure_of_the_handler) {
  static constexpr cause_kind::description own{"own", "a kind of the program's own"};
  for (const auto kind : {cause_kind(own), cause_kind::caller, cause_kind::sibling_failed,
                          cause_kind::handler_returned}) {
    EXPECT_EQ(end_of(kind), request_end::failed) << kind.name();
    EXPECT_EQ(status_of(end_of(kind)), 0) << kind.name();
  }
}

}  // namespace
}  // namespace hangup::http
