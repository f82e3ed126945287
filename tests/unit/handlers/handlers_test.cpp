// The handlers without a server and without a socket: called as the server calls them, with what
// they stream taken by a sink of ours.
#include <gtest/gtest.h>
#include <sys/file.h>

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "handlers/parameters.h"
#include "handlers/query/sim_query.h"
#include "handlers/query/spin.h"
#include "handlers/search/search.h"
#include "hangup/context/wait.h"
#include "hangup/http/reply.h"
#include "tests/support/target.h"
#include "tests/support/temporary_directory.h"

namespace hangup::handlers {
namespace {

using namespace std::chrono_literals;

using given = std::multimap<std::string, std::string>;

http::request get(const given& params) {
  return http::request("GET", test::target_with(params));
}

struct answer {
  int status = 0;
  std::string body;
  bool whole = true;  // of a streamed body: it was not broken off
};

// Runs a handler and what it streams. `each` sees the streamed pieces, and may end things.
answer ask(const http::handler& h, const context& ctx, const http::request& req,
           const std::function<void(const std::string&)>& each = {}) {
  http::reply res(ctx, req);
  h(ctx, req, res);
  answer a{res.status(), std::string(res.body()), true};
  if (res.is_streamed()) {
    http::body_writer out([&](std::string_view piece) {
      a.body.append(piece);
      if (each) {
        each(a.body);
      }
      return true;
    });
    a.whole = !res.produce(ctx, out);
  }
  return a;
}

TEST(parameters, take_what_is_allowed_and_name_what_is_not) {
  const auto req = get({{"n", "7"}, {"f", "1"}, {"t", "text"}, {"bad", "7x"}, {"big", "101"}});
  parameters p(req);
  EXPECT_EQ(p.number("n", 1, 0, 100), 7U);
  EXPECT_EQ(p.number("absent", 5, 0, 100), 5U);
  EXPECT_TRUE(p.flag("f", false));
  EXPECT_FALSE(p.flag("absent", false));
  EXPECT_EQ(p.text("t", 10), "text");
  EXPECT_EQ(p.text_or("absent", ".", 10), ".");
  EXPECT_EQ(p.problem(), "");
  p.number("bad", 1, 0, 100);
  EXPECT_EQ(p.problem(), R"(parameter "bad": found "7x", allowed a whole number 0..100)");
  p.number("big", 1, 0, 100);
  EXPECT_NE(p.problem().find("bad"), std::string::npos) << "the first problem is kept";
}

TEST(parameters, each_kind_of_mistake_is_named) {
  const std::string long_text(100, 'x');
  const auto req =
      get({{"big", "101"}, {"neg", "-1"}, {"none", ""}, {"f", "yes"}, {"t", long_text}});
  const auto problem = [&](auto look) {
    parameters p(req);
    look(p);
    return p.problem();
  };
  EXPECT_EQ(problem([](auto& p) { p.number("big", 1, 0, 100); }),
            R"(parameter "big": found "101", allowed a whole number 0..100)");
  EXPECT_EQ(problem([](auto& p) { p.number("neg", 1, 0, 100); }),
            R"(parameter "neg": found "-1", allowed a whole number 0..100)");
  EXPECT_EQ(problem([](auto& p) { p.number("none", 1, 0, 100); }),
            R"(parameter "none": found "", allowed a whole number 0..100)");
  EXPECT_EQ(problem([](auto& p) { p.flag("f", true); }),
            R"(parameter "f": found "yes", allowed 0 or 1)");
  EXPECT_EQ(problem([](auto& p) { p.text("absent", 9); }),
            R"(parameter "absent": found nothing, allowed 1..9 bytes)");
  EXPECT_EQ(problem([](auto& p) { p.text("t", 9); }),
            R"(parameter "t": found 100 bytes, allowed 1..9 bytes)");
  EXPECT_LT(problem([](auto& p) { p.number("t", 1, 0, 100); }).size(), 150U) << "shortened";
}

// What is in front of the server may look at the other of the two.
TEST(parameters, that_are_there_twice_are_named_whatever_is_asked_of_them) {
  const auto req = get({{"a", "1"}, {"a", "1"}, {"b", ""}, {"b", "x"}, {"b", "y"}, {"c", "1"}});
  const auto problem = [&](auto look) {
    parameters p(req);
    look(p);
    return p.problem();
  };
  const std::string two = R"(parameter "a": found 2 of it, allowed one)";
  EXPECT_EQ(problem([](auto& p) { p.number("a", 1, 0, 100); }), two);
  EXPECT_EQ(problem([](auto& p) { p.flag("a", true); }), two);
  EXPECT_EQ(problem([](auto& p) { p.text("a", 9); }), two);
  EXPECT_EQ(problem([](auto& p) { p.text_or("a", "x", 9); }), two);
  EXPECT_EQ(problem([](auto& p) { p.choice("a", "one of: 1"); }), two);
  EXPECT_EQ(problem([](auto& p) { p.text("b", 9); }),
            R"(parameter "b": found 3 of it, allowed one)");
  EXPECT_EQ(problem([](auto& p) { p.number("c", 1, 0, 100); }), "") << "nobody asks for the others";
}

TEST(parameters, of_which_one_has_to_be_chosen_say_what_there_is) {
  const auto req = get({{"report", "one"}, {"empty", ""}});
  parameters p(req);
  EXPECT_EQ(p.choice("report", "one of: one, two"), "one");
  EXPECT_EQ(p.problem(), "");
  p.choice("empty", "one of: one, two");
  EXPECT_EQ(p.problem(), R"(parameter "empty": found nothing, allowed one of: one, two)");
}

TEST(sim_query, streams_rows_or_collects_them) {
  const auto h = sim_query();
  const auto rows = ask(h, background(), get({{"rows", "3"}, {"row_ms", "0"}}));
  EXPECT_TRUE(rows.whole);
  EXPECT_EQ(std::count(rows.body.begin(), rows.body.end(), '\n'), 3);
  const auto all = ask(h, background(), get({{"rows", "2"}, {"row_ms", "1"}, {"stream", "0"}}));
  const auto j = nlohmann::json::parse(all.body);
  EXPECT_EQ(j["count"], 2);
  EXPECT_EQ(j["rows"][1]["row"], 2);
  EXPECT_EQ(nlohmann::json::parse(
                ask(h, background(), get({{"rows", "0"}, {"stream", "0"}})).body)["rows"]
                .size(),
            0U);
}

TEST(sim_query, stops_inside_the_wait_for_a_row) {
  for (const auto* stream : {"0", "1"}) {
    auto [ctx, cancel] = with_timeout(background(), 50ms);
    const auto began = context::clock::now();
    const auto a =
        ask(sim_query(), ctx, get({{"rows", "1"}, {"row_ms", "600000"}, {"stream", stream}}));
    EXPECT_LT(context::clock::now() - began, 60s) << "a row takes ten minutes";
    EXPECT_EQ(a.body, "");
    EXPECT_EQ(a.whole, *stream == '0') << "a stream is broken off, a document is not begun";
  }
}

TEST(sim_query, stops_between_rows_that_do_not_wait) {
  auto [ctx, cancel] = with_cancel(background());
  const auto a = ask(sim_query(), ctx, get({{"rows", "1000000"}, {"row_ms", "0"}}),
                     [&cancel = cancel](const std::string&) { cancel(); });
  EXPECT_FALSE(a.whole);
  EXPECT_LT(a.body.size(), 1'000'000U);
}

TEST(sim_query, refuses_what_it_cannot_do) {
  EXPECT_EQ(ask(sim_query(), background(), get({{"rows", "x"}})).status, 400);
  EXPECT_EQ(ask(sim_query(), background(), get({{"rows", "1000001"}})).status, 400);
  EXPECT_EQ(ask(sim_query(), background(), get({{"rows", "10001"}, {"stream", "0"}})).status, 400);
}

TEST(spin, burns_the_cpu_time_that_was_asked_for) {
  const auto a = ask(spin(), background(), get({{"ms", "30"}}));
  EXPECT_GE(nlohmann::json::parse(a.body)["cpu_ms"].get<double>(), 30.0);
  EXPECT_LT(nlohmann::json::parse(a.body)["cpu_ms"].get<double>(), 300.0);
  EXPECT_EQ(ask(spin(), background(), get({{"ms", "-1"}})).status, 400);
}

TEST(spin, that_does_not_look_is_refused_unless_it_is_allowed_and_is_bounded) {
  const auto deaf = get({{"ms", "1"}, {"look", "0"}});
  EXPECT_EQ(ask(spin(), background(), deaf).status, 400);
  EXPECT_EQ(ask(spin({.allow_deaf = false, .max_deaf = 10ms}), background(), deaf).status, 400);
  const auto allowed = spin({.allow_deaf = true, .max_deaf = 10ms});
  EXPECT_NE(ask(allowed, background(), deaf).body, "");
  EXPECT_EQ(ask(allowed, background(), get({{"ms", "11"}, {"look", "0"}})).status, 400);
}

TEST(spin, stops_when_its_context_ends) {
  auto [ctx, cancel] = with_cancel(background());
  std::thread other([&cancel = cancel] { cancel(); });
  const auto began = context::clock::now();
  EXPECT_EQ(ask(spin(), ctx, get({{"ms", "600000"}})).body, "");
  EXPECT_LT(context::clock::now() - began, 60s);
  other.join();
}

class searching : public ::testing::Test {
 protected:
  searching() {
    folder.write("a.txt", "one\ntwo main\n");
    h = search(std::make_shared<const search::root>(dir), 10);
  }

  int status(const given& params) { return ask(h, background(), get(params)).status; }
  bool locked() {  // does a search hold the lock?
    const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool free = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
    ::close(fd);
    return !free;
  }

  const test::temporary_directory folder;
  const std::string& dir = folder.path();
  http::handler h;
};

TEST_F(searching, streams_matches_and_a_summary) {
  const auto a = ask(h, background(), get({{"pattern", "main"}}));
  const auto line = a.body.substr(0, a.body.find('\n'));
  EXPECT_EQ(nlohmann::json::parse(line)["line"], 2);
  EXPECT_EQ(nlohmann::json::parse(a.body.substr(line.size()))["summary"]["matches"], 1);
  EXPECT_TRUE(a.whole);
}

TEST_F(searching, says_what_is_wrong_before_it_streams) {
  EXPECT_EQ(status({}), 400);
  EXPECT_EQ(status({{"pattern", "("}, {"regex", "1"}}), 400);
  EXPECT_EQ(status({{"pattern", "x"}, {"max_matches", "11"}}), 400);
  EXPECT_EQ(status({{"pattern", "x"}, {"path", "../.."}}), 403);
  EXPECT_EQ(status({{"pattern", "x"}, {"path", "/etc"}}), 403);
  EXPECT_EQ(status({{"pattern", "x"}, {"path", "nowhere"}}), 404);
  EXPECT_FALSE(locked());
}

TEST_F(searching, names_the_parameter_of_a_pattern_that_is_none) {
  const auto detail = [&](const given& params) {
    const auto a = ask(h, background(), get(params));
    EXPECT_EQ(a.status, 400);
    return nlohmann::json::parse(a.body)["detail"].get<std::string>();
  };
  EXPECT_EQ(
      detail({{"pattern", "a(b"}, {"regex", "1"}}),
      R"(parameter "pattern": found "a(b", allowed a regular expression of RE2: missing ): a(b)");
  EXPECT_EQ(
      detail({{"pattern", "a\nb"}}),
      "parameter \"pattern\": found \"a\nb\", allowed a text within one line: the pattern has a "
      "newline in it, and matches are lines");
  EXPECT_EQ(
      detail({{"pattern", "a"}, {"path", std::string("a\0b", 3)}}),
      std::string("parameter \"path\": found \"a\0b\", allowed a path that a file can have", 66));
  EXPECT_EQ(detail({{"pattern", "a"}, {"pattern", "b"}}),
            R"(parameter "pattern": found 2 of it, allowed one)");
}

TEST_F(searching, is_refused_while_somebody_holds_the_root) {
  const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(::flock(fd, LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(status({{"pattern", "x"}}), 503);
  ::close(fd);
  EXPECT_EQ(status({{"pattern", "x"}}), 200);
}

TEST_F(searching, gives_the_lock_back_when_its_context_ends_or_nothing_is_to_be_sent) {
  auto [ctx, cancel] = with_cancel(background());
  bool held = false;
  const auto a = ask(h, ctx, get({{"pattern", "main"}}), [&, &cancel = cancel](const std::string&) {
    held = locked();
    cancel();
  });
  EXPECT_TRUE(held);
  EXPECT_FALSE(a.whole);
  EXPECT_FALSE(locked());
  const http::request head("HEAD", "/?pattern=main");
  http::reply res(background(), head);
  h(background(), head, res);
  EXPECT_FALSE(locked());
}

}  // namespace
}  // namespace hangup::handlers
