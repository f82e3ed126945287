// Calls to upstreams that behave, and to those that do not.
#include <gtest/gtest.h>
#include <poll.h>

#include <future>

#include "handlers/relay/upstream_call.h"
#include "hangup/context/wait.h"
#include "hangup/http/problem.h"
#include "hangup/worker/loop.h"
#include "tests/support/certificate.h"
#include "tests/support/fake_upstream.h"
#include "tests/support/temporary_directory.h"

namespace hangup::handlers {
namespace {

using namespace std::chrono_literals;
using test::asker;
using test::black_hole;
using test::fake_upstream;

struct outcome {
  int status = 0;  // of the answer, or of the problem
  std::string problem{};
  std::string body{};
  std::string type{};
};

task<std::error_code> asked_and_read(const context& ctx, upstream_call& call, outcome& o) {
  if (const auto ec = co_await call.ask(ctx)) {
    co_return ec;
  }
  o.status = call.head().status();
  o.type = call.head().content_type();
  std::string_view piece;
  std::error_code ec = co_await call.read(ctx, piece);
  while (!ec && !piece.empty()) {
    o.body.append(piece);
    ec = co_await call.read(ctx, piece);
  }
  co_return ec;
}

outcome ask(const upstream& u, const context& ctx = background(),
            const upstream_call::headers& with = {}) {
  outcome o;
  try {
    upstream_call call(u, false, "/path?a=b", with);
    static_cast<void>(run_blocking(asked_and_read(ctx, call, o)));
  } catch (const http::problem_error& e) {
    o.status = e.status();
    o.problem = e.what();
  }
  return o;
}

upstream_options patient(std::string url) {
  return {.url = std::move(url), .connect_timeout = 20s, .stall_timeout = 20s};
}

fake_upstream::script sends(const std::string& bytes) {
  return [bytes](const asker& a) {
    a.head();
    a.send(bytes);
  };
}

TEST(an_upstream, is_asked_for_the_target_with_the_headers_and_its_answer_is_handed_on) {
  std::promise<std::string> seen;
  fake_upstream f([&](const asker& a) {
    seen.set_value(a.head());
    a.send(
        "HTTP/1.1 103 Early Hints\r\nContent-Type: wrong\r\n\r\n"
        "HTTP/1.1 201 Created\r\nContent-Type: text/x; a=b \r\nContent-Length: 5\r\n\r\nhello");
  });
  const upstream u("next", patient(f.url()));
  const auto o = ask(u, background(), {{"Accept", "text/csv"}, {"Via", "1.1 a"}});
  EXPECT_EQ(o.problem, "");
  EXPECT_EQ(o.status, 201);
  EXPECT_EQ(o.body, "hello");
  EXPECT_EQ(o.type, "text/x; a=b");
  const auto head = seen.get_future().get();
  EXPECT_EQ(head.rfind("GET /path?a=b HTTP/1.1\r\n", 0), 0U) << head;
  EXPECT_NE(head.find("\r\nAccept: text/csv\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("\r\nVia: 1.1 a\r\n"), std::string::npos) << head;
  EXPECT_EQ(u.count(upstream_end::completed), 1U);
  EXPECT_EQ(u.in_flight(), 0U);
}

TEST(an_upstream, on_a_unix_socket_is_asked_as_localhost) {
  const test::temporary_directory folder;
  std::promise<std::string> seen;
  const test::unix_listener at(folder / "s");
  fake_upstream f(
      [&](const asker& a) {
        seen.set_value(a.head());
        a.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
      },
      at.fd());
  const upstream u("next", patient("unix:" + (folder / "s")));
  EXPECT_EQ(ask(u).body, "hello");
  const auto head = seen.get_future().get();
  EXPECT_TRUE(head.starts_with("GET /path?a=b HTTP/1.1\r\nHost: localhost\r\n")) << head;
  EXPECT_EQ(u.count(upstream_end::completed), 1U);
}

TEST(an_upstream, on_a_unix_socket_where_nobody_listens_is_unreachable) {
  const test::temporary_directory folder;
  { const test::unix_listener gone(folder / "stale"); }
  for (const auto* name : {"stale", "none"}) {
    const upstream u("next", patient("unix:" + (folder / name)));
    EXPECT_EQ(ask(u).status, 502) << name;
    EXPECT_EQ(u.count(upstream_end::unreachable), 1U);
  }
}

TEST(an_upstream, that_answers_without_content_is_over_at_its_head) {
  for (const std::string answer :
       {"204 No Content\r\n\r\n", "204 No Content\r\nConnection: keep-alive\r\n\r\n",
        "205 Reset Content\r\nContent-Length: 0\r\n\r\n",
        "205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "205 Reset Content\r\n\r\n", "304 Not Modified\r\nContent-Length: 5\r\n\r\n"}) {
    fake_upstream f(sends("HTTP/1.1 " + answer));
    const upstream u("next", patient(f.url()));
    upstream_call call(u, false, "/", {{"If-None-Match", "\"a\""}});
    ASSERT_FALSE(run_blocking(call.ask(background()))) << answer;
    EXPECT_TRUE(call.over()) << answer;
    EXPECT_EQ(std::to_string(call.head().status()), answer.substr(0, 3));
    EXPECT_EQ(u.count(upstream_end::completed), 1U) << answer;
  }
}

TEST(an_upstream, is_not_asked_with_a_header_that_would_be_two) {
  fake_upstream f([](const asker&) { ADD_FAILURE() << "it has been asked"; });
  const upstream u("next", patient(f.url()));
  const upstream_call::headers bad = {{"Accept", "a/b\r\nX-Evil: 1"},
                                      {"Accept", "a/b\nX-Evil: 1"},
                                      {"Accept", std::string("a\0b", 3)},
                                      {"Via\r\nX-Evil", "1"},
                                      {"Via: a", "1"}};
  for (const auto& h : bad) {
    const auto o = ask(u, background(), {h});
    EXPECT_EQ(o.status, 400) << h.second;
    EXPECT_EQ(o.problem.find("Evil"), std::string::npos) << o.problem;
  }
  EXPECT_EQ(u.in_flight(), 0U);
}

TEST(an_upstream, that_waits_is_not_read_before_its_body_is_wanted_nor_faster) {
  constexpr std::size_t size = 64 << 20;
  std::atomic<std::size_t> sent{0};
  fake_upstream f([&](const asker& a) {
    a.head();
    a.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
    const std::string block(1 << 16, 'x');
    while (sent < size && a.send(block)) {
      sent += block.size();
    }
  });
  const upstream u("next", patient(f.url()));
  upstream_call call(u, false, "/", {});
  ASSERT_FALSE(run_blocking(call.ask(background())));
  std::size_t taken = 0;
  const auto slowly = [&]() -> task<> {
    std::string_view piece;
    do {
      EXPECT_FALSE(co_await call.read(background(), piece));
      if (taken == 0) {  // whoever takes it is slow: what is sent meanwhile fits into the kernel
        EXPECT_FALSE(co_await sleep_for(background(), 500ms));
        EXPECT_LT(sent, 32U << 20);
      }
      taken += piece.size();
    } while (!piece.empty());
  };
  run_blocking(slowly());
  EXPECT_EQ(taken, size);
}

TEST(an_upstream, whose_body_is_not_wanted_any_more_hears_of_it) {
  fake_upstream f([&](const asker& a) {
    a.head();
    a.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    EXPECT_TRUE(a.leaves());
  });
  const upstream u("next", patient(f.url()));
  {
    upstream_call call(u, false, "/", {});
    ASSERT_FALSE(run_blocking(call.ask(background())));
    std::string_view piece;
    ASSERT_FALSE(run_blocking(call.read(background(), piece)));
    EXPECT_EQ(piece, "hello");
  }
  EXPECT_TRUE(f.over(1));
  EXPECT_EQ(u.count(upstream_end::canceled), 1U);
}

struct misdeed {
  std::string name;
  fake_upstream::script what;
  int status;
  upstream_end end;
  std::string says;
};

std::ostream& operator<<(std::ostream& out, const misdeed& m) {
  return out << m.name;
}

fake_upstream::script sends_and_stays(const std::string& bytes) {
  return [bytes](const asker& a) {
    a.head();
    a.send(bytes);
    EXPECT_TRUE(a.leaves());
  };
}

fake_upstream::script sends_and_resets(const std::string& bytes) {
  return [bytes](const asker& a) {
    a.head();
    a.send(bytes);
    if (!bytes.empty()) {
      ::poll(nullptr, 0, 50);  // a reset takes along what has not been read
    }
    a.reset();
  };
}

std::vector<misdeed> misdeeds() {
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
  using enum upstream_end;
  return {
      {"says_nothing", sends_and_stays(""), 504, timed_out, "sent nothing for 300 ms"},
      {"stops_in_its_head", sends_and_stays("HTTP/1.1 200 OK\r\nConte"), 504, timed_out,
       "sent nothing for 300 ms"},
      {"stops_in_its_body", sends_and_stays(ok + "hello"), 504, timed_out,
       "sent nothing for 300 ms"},
      {"closes_at_once", sends(""), 502, broken, "closed the connection without an answer"},
      {"closes_in_its_status_line", sends("HTTP/1.1 2"), 502, broken, "without an answer"},
      {"closes_in_its_head", sends("HTTP/1.1 200 OK\r\nContent-Type: a\r\n"), 502, broken,
       "in the middle of the head"},
      {"closes_in_its_body", sends(ok + "hello"), 502, broken, "broke its answer off"},
      {"closes_in_a_chunk", sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"),
       502, broken, ""},
      {"closes_between_chunks",
       sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), 502, broken,
       ""},
      {"resets_at_once", sends_and_resets(""), 502, broken, "broke its answer off"},
      {"resets_in_its_body", sends_and_resets(ok + "hello"), 502, broken, "broke its answer off"},
      {"talks_garbage", sends("220 mail.example ESMTP\r\n"), 502, malformed, "is not understood"},
      {"answers_bytes", sends(std::string("\x16\x03\x01\0\1", 5)), 502, malformed, ""},
      {"has_a_bad_chunk", sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), 502,
       broken, ""},
      {"has_a_control_in_its_head",
       sends("HTTP/1.1 200 OK\r\nContent-Type: a\x01"
             "b\r\n\r\n"),
       502, malformed, ""},
      {"has_a_large_head", sends("HTTP/1.1 200 OK\r\nA: " + std::string(5000, 'x') + "\r\n\r\n"),
       502, malformed, "too large a head"},
      {"goes_on_with_interim_answers",
       [](const asker& a) {
         a.head();
         while (a.send("HTTP/1.1 102 Processing\r\n\r\n")) {
         }
       },
       502, malformed, "too large a head"},
      {"points_elsewhere",
       sends("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
             "Content-Length: 0\r\n\r\n"),
       502, malformed, "answered 302"},
      {"encodes_unasked",
       sends("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"), 502,
       malformed, "encoding"},
      {"folds_a_line",
       sends("HTTP/1.1 200 OK\r\nContent-Type: a\r\n X: y\r\nContent-Length: 0\r\n\r\n"), 502,
       malformed, ""},
      {"has_a_carriage_return_in_its_head",
       sends("HTTP/1.1 200 OK\r\nETag: a\rX-Evil: 1\r\nContent-Length: 0\r\n\r\n"), 502, malformed,
       ""},
      {"has_a_status_of_its_own", sends("HTTP/1.1 999 What\r\nContent-Length: 1\r\n\r\nx"), 502,
       malformed, "answered 999"},
      {"has_a_status_below_100", sends("HTTP/1.1 099 What\r\nContent-Length: 1\r\n\r\nx"), 502,
       malformed, ""},
      {"answers_a_part_unasked",
       sends("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-0/9\r\n"
             "Content-Length: 1\r\n\r\nx"),
       502, malformed, "answered 206"},
      {"says_unasked_that_nothing_has_changed",
       sends("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n"), 502, malformed, "answered 304"},
      {"wants_another_protocol",
       sends("HTTP/1.1 426 Upgrade Required\r\nUpgrade: h2c\r\nConnection: upgrade\r\n"
             "Content-Length: 0\r\n\r\n"),
       502, malformed, "answered 426"},
      {"wants_credentials_of_a_proxy",
       sends("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
             "Content-Length: 0\r\n\r\n"),
       502, malformed, "answered 407"},
      {"resets_the_content_with_content",
       sends("HTTP/1.1 205 Reset Content\r\nContent-Length: 1\r\n\r\nx"), 502, malformed,
       "answered 205 with a body"},
      {"resets_the_content_with_chunks",
       sends("HTTP/1.1 205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
       502, malformed, "answered 205 with a body"},
      {"has_two_lengths",
       sends("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy"), 502, malformed,
       ""},
      {"has_a_list_of_lengths", sends("HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nxy"), 502,
       malformed, "an invalid content-length"},
      {"has_a_length_that_begins_like_one",
       sends("HTTP/1.1 200 OK\r\nContent-Length: 1.0\r\n\r\nx"), 502, malformed, ""},
      {"has_a_length_beyond_all_numbers",
       sends("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551620\r\n\r\nabcd"), 502, malformed,
       ""},
      {"has_a_blank_behind_the_name_of_its_length",
       sends("HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nxHTTP/1.1 200 OK\r\n"), 502, malformed,
       ""},
      {"has_a_blank_behind_the_name_of_its_coding",
       sends("HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"), 502,
       malformed, ""},
      {"frames_an_interim_answer",
       sends("HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n\r\nHTTP/1.1 200 OK\r\n\r\nxyz"), 502,
       malformed, ""},
      {"compresses_on_the_way",
       sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 502,
       malformed, ""},
      {"switches_protocols", sends("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), 502,
       malformed, ""},
  };
}

class an_upstream_that : public testing::TestWithParam<misdeed> {};

TEST_P(an_upstream_that, misbehaves_is_a_problem_that_names_it) {
  const auto& m = GetParam();
  fake_upstream f(m.what);
  const upstream u("next", {.url = f.url(),
                            .connect_timeout = 20s,
                            .stall_timeout = m.end == upstream_end::timed_out ? 300ms : 20s,
                            .max_head_bytes = 4096});
  const auto o = ask(u);
  EXPECT_EQ(o.status, m.status) << o.problem;
  EXPECT_EQ(o.problem.rfind("the upstream \"next\" ", 0), 0U) << o.problem;
  EXPECT_NE(o.problem.find(m.says), std::string::npos) << o.problem;
  EXPECT_EQ(o.problem.find("127.0.0.1"), std::string::npos) << o.problem;
  EXPECT_EQ(u.count(m.end), 1U) << o.problem;
  EXPECT_EQ(u.in_flight(), 0U);
  EXPECT_TRUE(f.over(1));
}

INSTANTIATE_TEST_SUITE_P(, an_upstream_that, testing::ValuesIn(misdeeds()),
                         [](const auto& tested) { return tested.param.name; });

TEST(an_upstream, that_is_not_there_is_a_502) {
  std::string url;
  {
    url = fake_upstream([](const asker&) {}).url();
  }
  const upstream u("next", patient(url));
  const auto o = ask(u);
  EXPECT_EQ(o.status, 502);
  EXPECT_EQ(o.problem, "the upstream \"next\" refused the connection");
  EXPECT_EQ(u.count(upstream_end::unreachable), 1U);
}

TEST(an_upstream, that_cannot_be_connected_to_in_time_is_a_504) {
  const black_hole hole;
  const upstream u("next", {.url = hole.url(), .connect_timeout = 200ms});
  const auto o = ask(u);
  EXPECT_EQ(o.status, 504);
  EXPECT_EQ(o.problem, "the upstream \"next\" did not accept a connection within 200 ms");
  EXPECT_EQ(u.count(upstream_end::timed_out), 1U);
}

TEST(an_upstream, that_does_not_shake_hands_in_time_is_a_504) {
  fake_upstream f([](const asker& a) { EXPECT_TRUE(a.leaves()); });
  const upstream u("next", {.url = f.url("https"), .connect_timeout = 1s});
  const auto o = ask(u);
  EXPECT_EQ(o.status, 504);
  EXPECT_EQ(o.problem, "the upstream \"next\" did not finish the TLS handshake within 1000 ms");
  EXPECT_TRUE(f.over(1));
}

TEST(an_upstream, whose_name_is_not_known_is_a_502_and_one_that_is_not_found_in_time_a_504) {
  const upstream unknown("next", patient("http://a.example"),
                         [](const std::string&) { return name_lookup::addresses{}; });
  const auto o = ask(unknown);
  EXPECT_EQ(o.status, 502);
  EXPECT_EQ(o.problem, "the upstream \"next\" has a name that is not known");

  std::promise<void> go;
  const auto gone = go.get_future().share();
  const upstream slow("next", {.url = "http://a.example", .connect_timeout = 50ms},
                      [gone](const std::string&) {
                        gone.wait();
                        return name_lookup::addresses{};
                      });
  const auto late = ask(slow);
  EXPECT_EQ(late.status, 504);
  EXPECT_EQ(late.problem, "the upstream \"next\" was not found by its name within 50 ms");
  go.set_value();
}

TEST(an_upstream, is_found_by_the_addresses_of_its_name) {
  fake_upstream f(sends("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  auto url = f.url();
  url.replace(url.find("127.0.0.1"), 9, "a.example");
  const upstream u("next", patient(url),
                   [](const std::string&) { return name_lookup::addresses{"127.0.0.1"}; });
  const auto o = ask(u);
  EXPECT_EQ(o.body, "ok") << o.problem;
}

TEST(an_upstream, is_never_asked_by_way_of_a_proxy_of_the_environment) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  fake_upstream f(sends("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  const upstream u("next", patient(f.url()));
  const auto o = ask(u);
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
  EXPECT_EQ(o.body, "ok") << o.problem;
}

}  // namespace
}  // namespace hangup::handlers
