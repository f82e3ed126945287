// What is kept, counted and written of requests that have ended, without a server.
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hangup/http/httplib_handler.h"
#include "server/metrics.h"
#include "server/request_log.h"
#include "tests/support/variable.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;

const http::clock::time_point start{1000s};

// A request to one of the server's routes that was hung up on after 1 s and stopped 2 ms later.
http::request_report hung_up(const http::route& to, std::string_view id = "1") {
  http::request_report r{id, "GET", "/slow", "127.0.0.1:1", to, http::request_end::client_closed};
  r.cause = "client closed (FIN)";
  r.status = 499;
  r.started = start;
  r.work_began = start;
  r.context_ended = start + 1s;
  r.work_stopped = start + 1s + 2ms;
  r.work_ended = start + 1s + 3ms;
  r.ended = start + 1s + 4ms;
  return r;
}

class counted : public ::testing::Test {
 protected:
  counted() {
    server.handle({.method = "GET", .path = "/slow", .runs_on = &workers, .answer = nothing});
    route = server.routes().at(1);
  }
  static void nothing(const context&, const httplib::Request&, httplib::Response&) {}

  bool has(const metrics& m, const std::string& line) {
    return m.text().find("\n" + line + "\n") != std::string::npos;
  }

  pool workers{{.name = "p", .workers = 3}};
  http::server server;
  const http::route* route = nullptr;
};

TEST_F(counted, a_request_is_in_flight_from_its_begin_to_its_end) {
  metrics m(server, {&workers}, [] { return 0U; });
  m.began(*route);
  EXPECT_TRUE(has(m, R"(hangup_requests_in_flight{route="/slow"} 1)")) << m.text();
  m.ended(hung_up(*route));
  EXPECT_TRUE(has(m, R"(hangup_requests_in_flight{route="/slow"} 0)")) << m.text();
  EXPECT_TRUE(has(m, R"(hangup_requests_total{route="/slow",end="client_closed"} 1)")) << m.text();
  EXPECT_TRUE(has(m, R"(hangup_requests_total{route="/slow",end="completed"} 0)")) << m.text();
}

TEST_F(counted, the_methods_of_a_path_are_one_series) {
  server.handle({.method = "POST", .path = "/slow", .runs_on = &workers, .answer = nothing});
  server.handle({.method = "GET", .path = "/last", .answer = nothing});
  metrics m(server, {&workers}, [] { return 0U; });
  const auto routes = server.routes();
  m.ended(hung_up(*routes.at(1)));
  m.ended(hung_up(*routes.at(2)));
  m.ended(hung_up(*routes.at(3)));
  const std::string line = R"(hangup_requests_total{route="/slow",end="client_closed"} )";
  EXPECT_TRUE(has(m, line + "2")) << m.text();
  EXPECT_EQ(m.text().find(line), m.text().rfind(line));
  EXPECT_TRUE(has(m, R"(hangup_requests_total{route="/last",end="client_closed"} 1)")) << m.text();
}

TEST_F(counted, the_time_to_stop_goes_into_its_bucket_and_the_wasted_time_is_added_up) {
  metrics m(server, {&workers}, [] { return 0U; });
  m.ended(hung_up(*route));
  m.ended(hung_up(*route));
  EXPECT_TRUE(has(m, R"(hangup_stop_seconds_count{route="/slow"} 2)")) << m.text();
  EXPECT_TRUE(has(m, R"(hangup_stop_seconds_sum{route="/slow"} 0.004)")) << m.text();
  EXPECT_TRUE(has(m, R"(hangup_stop_seconds_bucket{route="/slow",le="0.001"} 0)")) << m.text();
  EXPECT_TRUE(has(m, R"(hangup_stop_seconds_bucket{route="/slow",le="0.0025"} 2)")) << m.text();
  EXPECT_TRUE(has(m, R"(hangup_stop_seconds_bucket{route="/slow",le="+Inf"} 2)")) << m.text();
  EXPECT_TRUE(has(m, R"(hangup_canceled_work_seconds_total{route="/slow"} 0.006)")) << m.text();
}

TEST_F(counted, what_was_left_until_the_deadline_is_saved_at_most_if_the_handler_knows_no_better) {
  metrics m(server, {&workers}, [] { return 0U; });
  auto r = hung_up(*route);
  m.ended(r);  // no deadline: nothing is known
  r.deadline = start + 5s;
  m.ended(r);
  r.expected = 4s;  // the handler knows
  m.ended(r);
  r.expected.reset();
  r.deadline = start + 1s;  // which has ended it
  m.ended(r);
  EXPECT_TRUE(has(m, R"(hangup_saved_work_at_most_seconds_total{route="/slow"} 3.998)"))
      << m.text();
  EXPECT_TRUE(has(m, R"(hangup_saved_work_seconds_total{route="/slow"} 2.998)")) << m.text();
}

TEST_F(counted, late_stoppers_are_counted_while_they_work_and_for_ever) {
  metrics m(server, {&workers}, [] { return 0U; });
  m.late({"1", "GET", "/slow", "c", *route, "client closed (FIN)", 1s, false});
  EXPECT_TRUE(has(m, R"(hangup_late_stoppers{route="/slow"} 1)")) << m.text();
  m.late({"1", "GET", "/slow", "c", *route, "client closed (FIN)", 2s, true});
  EXPECT_TRUE(has(m, R"(hangup_late_stoppers{route="/slow"} 0)")) << m.text();
  EXPECT_TRUE(has(m, R"(hangup_late_stoppers_total{route="/slow"} 1)")) << m.text();
}

TEST_F(counted, limits_are_counted_by_their_names) {
  metrics m(server, {&workers}, [] { return 0U; });
  for (int i = 1; i < http::limit_kinds; ++i) {
    const auto l = static_cast<http::limit>(i);
    const auto of = "hangup_limit_reached_total{limit=\"" + std::string(name(l)) + "\"} ";
    EXPECT_TRUE(has(m, of + "0")) << of << m.text();
    m.reached(l);
    m.reached(l);
    EXPECT_TRUE(has(m, of + "2")) << of << m.text();
  }
  EXPECT_EQ(m.text().find("limit=\"none\""), std::string::npos);
}

TEST_F(counted, what_never_ran_has_no_time_to_stop) {
  metrics m(server, {&workers}, [] { return 0U; });
  auto r = hung_up(*route);
  r.work_began.reset();
  r.work_stopped.reset();
  r.work_ended.reset();
  m.ended(r);
  EXPECT_TRUE(has(m, R"(hangup_stop_seconds_count{route="/slow"} 0)")) << m.text();
  EXPECT_TRUE(has(m, R"(hangup_requests_total{route="/slow",end="client_closed"} 1)")) << m.text();
}

TEST_F(counted, pools_connections_and_lost_log_lines_are_read_when_asked_for) {
  metrics m(server, {&workers}, [] { return 7U; });
  EXPECT_TRUE(has(m, R"(hangup_workers{pool="p"} 3)")) << m.text();
  EXPECT_TRUE(has(m, R"(hangup_queue_depth{pool="p"} 0)")) << m.text();
  EXPECT_TRUE(has(m, R"(hangup_connections{state="idle"} 0)")) << m.text();
  EXPECT_TRUE(has(m, "hangup_log_dropped_total 7")) << m.text();
}

TEST(request_log, control_characters_of_strangers_are_escaped) {
  EXPECT_EQ(escaped("/plain?a=b"), "/plain?a=b");
  EXPECT_EQ(escaped(std::string_view("a\nb\r\x1b[2J\0\x7f", 9)), "a\\x0ab\\x0d\\x1b[2J\\x00");
  EXPECT_EQ(escaped("\x7f"), "\\x7f");
}

TEST(request_log, what_strangers_have_written_into_a_line_of_the_programs_own_is_escaped_too) {
  const std::string said = "report x: \n2026 info GET / 200\x1b[2J\xff\xe2\x80\xa8";
  for (const auto format : {log_format::text, log_format::json}) {
    config::log_t how;
    how.format = format;
    how.queue = 16;
    testing::internal::CaptureStderr();
    request_log(how).say(spdlog::level::warn, said);
    const auto line = testing::internal::GetCapturedStderr();
    EXPECT_NE(line.find("report x: "), std::string::npos);
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) {
      return c == '\n' || (c >= ' ' && c <= '~');
    })) << line;
    EXPECT_EQ(nlohmann::json::accept(line), format == log_format::json) << line;
  }
}

// What is written to the log of this format.
std::string logged(log_format format, const std::function<void(request_log&)>& say,
                   log_level level = log_level::info) {
  config::log_t how;
  how.format = format;
  how.level = level;
  how.queue = 64;
  testing::internal::CaptureStderr();
  {
    request_log log(how);
    say(log);
  }
  return testing::internal::GetCapturedStderr();
}

// A line without its time.
std::string without_time(const std::string& line) {
  const auto end = line.find('Z');
  return end == std::string::npos ? line : line.substr(end + 1);
}

TEST(request_log, a_line_says_how_a_request_has_ended) {
  const http::route to{"GET", "/slow"};
  const auto text = [](const http::request_report& r) {
    return without_time(logged(log_format::text, [&](request_log& log) { log.ended(r); }));
  };
  auto r = hung_up(to);
  EXPECT_EQ(text(r),
            " info GET /slow 499 client_closed: client closed (FIN), 1004.00 ms, stopped in "
            "2.000 ms [127.0.0.1:1 1]\n");
  r.work_stopped.reset();
  r.target = "/a\x1b";
  EXPECT_EQ(text(r),
            " info GET /a\\x1b 499 client_closed: client closed (FIN), 1004.00 ms, never started "
            "[127.0.0.1:1 1]\n");
  http::request_report bad{"i", "", "", "c", to, http::request_end::failed};
  bad.status = 500;
  bad.broken = "what()";
  const auto journey =
      http::trace::continued("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01", "");
  bad.journey = &journey;
  EXPECT_EQ(text(bad),
            " warning - - 500 failed, 0.00 ms, what() [c i "
            "0123456789abcdef0123456789abcdef-" +
                std::string(journey.span_id()) + "]\n");
}

TEST(request_log, a_line_of_json_is_what_the_json_library_makes_of_it) {
  const http::route to{"GET", "/slow"};
  const auto journey =
      http::trace::continued("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01", "");
  auto r = hung_up(to, "i\"d");
  r.target = "/\xc3\xa4\xff\n";
  r.broken = "\\";
  r.journey = &journey;
  nlohmann::ordered_json expected = {{"level", "info"},
                                     {"msg", "request"},
                                     {"method", "GET"},
                                     {"target", r.target},
                                     {"route", "/slow"},
                                     {"status", 499},
                                     {"end", "client_closed"},
                                     {"ms", 1004.0},
                                     {"cause", "client closed (FIN)"},
                                     {"started", true},
                                     {"stopped_ms", 2.0},
                                     {"error", "\\"},
                                     {"client", "127.0.0.1:1"},
                                     {"id", "i\"d"},
                                     {"trace_id", journey.trace_id()},
                                     {"span_id", journey.span_id()},
                                     {"parent_id", "0123456789abcdef"}};
  const auto dumped = [](const nlohmann::ordered_json& j) {
    return j.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace).substr(1);
  };
  EXPECT_EQ(without_time(logged(log_format::json, [&](request_log& log) { log.ended(r); })),
            "\"," + dumped(expected) + "\n");

  expected = {{"level", "warning"}, {"msg", "late stopper"}, {"method", "GET"},
              {"target", r.target}, {"route", "/slow"},      {"cause", "c"},
              {"canceled_ms", 1.5}, {"client", "here"},      {"id", "1"}};
  const http::late_request late{"1", "GET", r.target, "here", to, "c", 1500us, false};
  EXPECT_EQ(without_time(logged(log_format::json, [&](request_log& log) { log.late(late); })),
            "\"," + dumped(expected) + "\n");
}

TEST(request_log, a_late_stopper_is_a_warning_with_its_milliseconds) {
  const http::route to{"GET", "/slow"};
  http::late_request late{"1", "GET", "/slow", "here", to, "client closed (FIN)", 1499600us, false};
  const auto text = [&] {
    return without_time(logged(log_format::text, [&](request_log& log) { log.late(late); }));
  };
  EXPECT_EQ(text(),
            " warning late stopper: GET /slow still works 1500 ms after client closed "
            "(FIN) [here 1]\n");
  late.over = true;
  EXPECT_EQ(text(),
            " warning late stopper: GET /slow stopped at last, 1500 ms after client closed "
            "(FIN) [here 1]\n");
}

TEST(request_log, all_lines_begin_alike_and_below_the_level_there_are_none) {
  const http::route to{"GET", "/slow"};
  for (const auto format : {log_format::text, log_format::json}) {
    const auto all = [](request_log& log, const http::request_report& r) {
      log.ended(r);
      log.say(spdlog::level::info, "said");
    };
    const auto both = logged(format, [&](request_log& log) { all(log, hung_up(to)); });
    const auto second = both.find('\n') + 1;
    const std::string begin = format == log_format::json
                                  ? R"({"ts":"0000-00-00T00:00:00.000Z","level":"info","msg":")"
                                  : "0000-00-00T00:00:00.000Z info ";
    for (const auto& line : {both.substr(0, second), both.substr(second)}) {
      auto digits = line.substr(0, begin.size());
      std::replace_if(
          digits.begin(), digits.end(), [](char c) { return c >= '1' && c <= '9'; }, '0');
      EXPECT_EQ(digits, begin);
    }
    EXPECT_EQ(logged(
                  format, [&](request_log& log) { all(log, hung_up(to)); }, log_level::warn),
              "");
  }
}

TEST(request_log, leaves_out_what_it_is_told_to_skip_if_that_went_well) {
  const http::route healthz{.method = "GET", .path = "/healthz", .index = 1};
  const http::route other{.method = "GET", .path = "/slow", .index = 2};
  const http::route none{"", "none"};
  const auto all = logged(log_format::text, [&](request_log& log) {
    EXPECT_EQ(log.skip({"/healthz", "/absent"}, {&none, &healthz, &other}),
              std::vector<std::string>{"/absent"});
    http::request_report good{"skipped", "GET",   "/healthz",
                              "c",       healthz, http::request_end::completed};
    good.status = 200;
    log.ended(good);
    log.ended(hung_up(healthz, "left"));
    auto bad = good;
    bad.id = "failed";
    bad.end = http::request_end::failed;
    bad.status = 500;
    log.ended(bad);
    http::request_report of_another{"other", "GET", "/slow",
                                    "c",     other, http::request_end::completed};
    log.ended(of_another);
    http::request_report of_none{"none", "GET", "/absent",
                                 "c",    none,  http::request_end::bad_request};
    log.ended(of_none);
  });
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 4) << all;
  EXPECT_EQ(all.find("skipped"), std::string::npos) << all;
}

TEST(request_log, colours_the_level_of_every_line_on_a_terminal) {
  const test::variable term("TERM", "xterm");
  const http::route to{"GET", "/slow"};
  config::log_t how;
  how.level = log_level::info;
  how.queue = 64;
  int terminal = -1;
  int user = -1;
  ASSERT_EQ(::openpty(&terminal, &user, nullptr, nullptr, nullptr), 0);
  {
    request_log log(how, user);
    log.ended(hung_up(to));
    log.say(spdlog::level::info, "said");
  }
  std::string all;
  std::array<char, 4096> some{};
  while (all.find("said") == std::string::npos) {
    const auto n = ::read(terminal, some.data(), some.size());
    ASSERT_GT(n, 0) << all;
    all.append(some.data(), static_cast<std::size_t>(n));
  }
  ::close(user);
  ::close(terminal);
  EXPECT_NE(all.find("Z \x1b[32minfo\x1b[0m GET /slow"), std::string::npos) << all;
  EXPECT_NE(all.find("Z \x1b[32minfo\x1b[0m said"), std::string::npos) << all;
}

TEST(escaped, leaves_text_as_it_is_and_nothing_that_a_terminal_obeys) {
  for (const std::string text : {"", "GET /a?b=c \\ ~", "\xc3\xa4\xc2\xa0",
                                 "\xe2\x82\xac\xed\x9f\xbf", "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(escaped(text), text);
  }
  const std::vector<std::pair<std::string, std::string>> changed = {
      {"a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"},
      {std::string("a\0b", 3), "a\\x00b"},
      {"\xc2\x9b"
       "2J",
       "\\xc2\\x9b2J"},                     // CSI, a control
      {"\xc2\x85", "\\xc2\\x85"},           // next line
      {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},  // line separator
      {"\xe2\x80\xae"
       "x",
       "\\xe2\\x80\\xaex"},  // right to left from here on
      {"\xe2\x81\xa6", "\\xe2\\x81\\xa6"},
      {"\xe2\x81\xaf", "\\xe2\\x81\\xaf"},
      {"\xd8\x9c", "\\xd8\\x9c"},  // Arabic letter mark
      {"\x9b"
       "2J",
       "\\x9b2J"},                 // not UTF-8
      {"\xc0\x8a", "\\xc0\\x8a"},  // a line feed, too long
      {"\xe0\x80\x8a", "\\xe0\\x80\\x8a"},
      {"\xf0\x80\x80\x8a", "\\xf0\\x80\\x80\\x8a"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},  // half a surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"\xe2\x82", "\\xe2\\x82"},  // cut off
      {"\xff\xfe", "\\xff\\xfe"},
      {"\xc3"
       "a",
       "\\xc3"
       "a"},
  };
  for (const auto& [text, safe] : changed) {
    EXPECT_EQ(escaped(text), safe);
  }
}

}  // namespace
}  // namespace hangup::server
