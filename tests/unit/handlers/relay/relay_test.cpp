// The relay's parts without a socket: where upstreams are, who a request has been by, names that
// are looked up, and the parameters of /relay.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "handlers/relay/relay.h"
#include "handlers/relay/upstream_call.h"
#include "handlers/relay/via.h"
#include "hangup/http/problem.h"
#include "hangup/http/reply.h"
#include "hangup/worker/loop.h"
#include "tests/support/target.h"

namespace hangup::handlers {
namespace {

using namespace std::chrono_literals;

TEST(via, names_those_who_have_passed_a_request_on) {
  using names = std::vector<std::string>;
  EXPECT_EQ(received_by(""), names{});
  EXPECT_EQ(received_by("1.1 a"), names{"a"});
  EXPECT_EQ(received_by("1.1 a, HTTP/1.0 b:80 , 1.1  c"), (names{"a", "b:80", "c"}));
  EXPECT_EQ(received_by("1.1 a (x, y (z, w)), 1.1 b(c)"), (names{"a", "b"}));
  EXPECT_EQ(received_by("1.1 a (x\\), y), 1.1 b"), (names{"a", "b"}));
  EXPECT_EQ(received_by(",, 1.1 a,"), names{"a"});
  EXPECT_EQ(received_by("nonsense, 1.1 a"), (names{"", "a"})) << "it counts";
  EXPECT_EQ(received_by("1.1 a (never closed, 1.1 b"), (names{"a", "b"})) << "hides nobody";
}

TEST(an_upstream, is_where_its_url_says) {
  const auto at = [](const std::string& url) {
    const upstream u("next", {.url = url});
    return u.socket() + u.host() + "|" + std::to_string(u.port());
  };
  EXPECT_EQ(at("http://127.0.0.1:8081"), "127.0.0.1|8081");
  EXPECT_EQ(at("http://a.example"), "a.example|80");
  EXPECT_EQ(at("https://a.example"), "a.example|443");
  EXPECT_EQ(at("https://[::1]:8443"), "::1|8443");
  EXPECT_EQ(at("http://[::1]"), "::1|80");
  EXPECT_EQ(at("unix:/run/s"), "/run/slocalhost|80");
  EXPECT_THROW(at("unix:"), std::invalid_argument);
  EXPECT_THROW(at("unix:" + std::string(108, 'x')), std::invalid_argument);
  for (const auto* bad :
       {"", "a", "ftp://a", "http://", "http://a:", "http://a:0", "http://a:65536", "http://a:1x",
        "http://a/b", "http://[::1", "http://[::1]x", "http://:80", "http://u@a"}) {
    EXPECT_THROW(at(bad), std::invalid_argument) << bad;
  }
  EXPECT_THROW(upstream("next", {.url = "https://a", .ca_file = "/nowhere"}),
               std::invalid_argument);
}

TEST(a_name, that_is_numeric_is_its_own_address) {
  name_lookup::addresses found;
  for (const auto* host : {"127.0.0.1", "::1"}) {
    const name_lookup look(host, [](const std::string&) -> name_lookup::addresses {
      ADD_FAILURE();
      return {};
    });
    EXPECT_FALSE(run_blocking(look.find(background(), found)));
    EXPECT_EQ(found, name_lookup::addresses{host});
  }
}

TEST(a_name, is_looked_up_once_for_all_who_wait_and_kept) {
  std::atomic<int> calls{0};
  std::promise<void> go;
  const auto gone = go.get_future().share();
  const name_lookup look("a.example", [&calls, gone](const std::string& host) {
    ++calls;
    gone.wait();
    return name_lookup::addresses{host == "a.example" ? "192.0.2.1" : "?"};
  });
  std::vector<std::thread> waiting;
  std::atomic<int> right{0};
  for (int i = 0; i < 8; ++i) {
    waiting.emplace_back([&] {
      name_lookup::addresses found;
      right += !run_blocking(look.find(background(), found)) &&
               found == name_lookup::addresses{"192.0.2.1"};
    });
  }
  while (calls == 0) {
    std::this_thread::yield();
  }
  go.set_value();
  for (auto& t : waiting) {
    t.join();
  }
  EXPECT_EQ(right, 8);
  EXPECT_EQ(calls, 1);
}

TEST(a_name, that_is_not_found_is_looked_up_again_and_one_that_is_old_too) {
  int calls = 0;
  const name_lookup look(
      "a.example",
      [&calls](const std::string&) {
        return ++calls == 1 ? name_lookup::addresses{} : name_lookup::addresses{"192.0.2.1"};
      },
      0ms);
  name_lookup::addresses found;
  EXPECT_FALSE(run_blocking(look.find(background(), found)));
  EXPECT_TRUE(found.empty());
  EXPECT_FALSE(run_blocking(look.find(background(), found)));
  EXPECT_EQ(found.size(), 1U);
  EXPECT_FALSE(run_blocking(look.find(background(), found)));
  EXPECT_EQ(calls, 3);
}

TEST(a_name, whose_look_up_hangs_holds_nobody_and_one_thread) {
  // Static, as the thread that looks up may be behind us.
  static std::atomic<bool> go;
  static std::atomic<bool> over;
  static std::atomic<int> calls;
  go = over = false;
  calls = 0;
  {
    const name_lookup look("a.example", [](const std::string&) {
      ++calls;
      go.wait(false);
      over = true;
      over.notify_all();
      return name_lookup::addresses{};
    });
    name_lookup::addresses found;
    for (int i = 0; i < 3; ++i) {
      const auto patience = with_timeout(background(), 20ms);
      const auto begin = context::clock::now();
      EXPECT_EQ(run_blocking(look.find(patience.ctx, found)), errc::deadline_exceeded);
      EXPECT_LT(context::clock::now() - begin, 2s);
    }
    const auto left = with_cancel(background());
    std::thread leaves([&] { left.cancel(); });
    EXPECT_EQ(run_blocking(look.find(left.ctx, found)), errc::canceled);
    leaves.join();
    EXPECT_EQ(calls, 1);
  }
  go = true;  // after its name_lookup is gone
  go.notify_all();
  over.wait(false);
}

// What the handler throws for these parameters, as "404 there is no ...".
std::string refused(const std::multimap<std::string, std::string>& params,
                    const std::vector<http::field>& headers = {}) {
  auto options = std::make_shared<relay_options>();
  options->upstreams["next"] =
      std::make_unique<const upstream>("next", upstream_options{.url = "http://127.0.0.1:1"});
  options->targets["sim"] = "/query/sim";
  options->max_hops = 3;
  http::request req("GET", test::target_with(params), headers);
  http::reply res(background(), req);
  try {
    const auto handler = relay(options);
    run_blocking(handler.begin(background(), req, res));
  } catch (const http::problem_error& e) {
    return std::to_string(e.status()) + " " + e.what();
  }
  return "not refused";
}

TEST(relay, takes_names_of_its_lists_and_hops_within_its_limit) {
  const std::string asked = "502 the upstream \"next\" refused the connection";
  EXPECT_EQ(refused({}), asked);
  EXPECT_EQ(refused({{"hops", "3"}, {"upstream", "next"}, {"target", "sim"}}), asked);
  EXPECT_EQ(refused({{"hops", "4"}}),
            R"(400 parameter "hops": found "4", allowed a whole number 1..3)");
  EXPECT_EQ(refused({{"hops", "0"}}).substr(0, 22), R"(400 parameter "hops": )");
  EXPECT_EQ(refused({{"upstream", "x"}}), "404 there is no upstream \"x\" here");
  EXPECT_EQ(refused({{"upstream", "http://a.example/"}}),
            "404 there is no upstream \"http://a.example/\" here");
  EXPECT_EQ(refused({{"upstream", std::string(33, 'a')}}).substr(0, 4), "400 ");
  EXPECT_EQ(refused({{"target", "/query/sim"}}), "404 there is no target \"/query/sim\" here");
}

TEST(relay, refuses_a_request_that_has_been_by_too_many) {
  const std::string asked = "502 the upstream \"next\" refused the connection";
  EXPECT_EQ(refused({}, {{"Via", "1.1 a, 1.1 b"}}), asked);
  EXPECT_EQ(refused({}, {{"Via", "1.1 a, 1.1 b"}, {"Via", "1.1 c"}}),
            "508 this request has passed through 3 servers, allowed 3");
}

// No request has such a header; so it is tested where headers become those of another request.
TEST(relay, does_not_pass_on_a_header_that_would_be_two) {
  const upstream to("next", {.url = "http://127.0.0.1:1"});
  for (const auto* value : {"a/b\r\nX-Evil: 1", "a/b\nX-Evil: 1", "a\x01z"}) {
    try {
      const upstream_call call(to, false, "/", {{"Accept", value}});
      ADD_FAILURE() << value;
    } catch (const http::problem_error& e) {
      EXPECT_EQ(e.status(), 400);
    }
  }
}

TEST(relay, does_not_ask_when_there_is_no_time_for_an_answer) {
  auto options = std::make_shared<relay_options>();
  options->upstreams["next"] =
      std::make_unique<const upstream>("next", upstream_options{.url = "http://127.0.0.1:1"});
  options->targets["sim"] = "/query/sim";
  const auto soon = with_timeout(background(), 5ms);
  http::request req("GET", "/");
  http::reply res(soon.ctx, req);
  try {
    const auto handler = relay(options);
    run_blocking(handler.begin(soon.ctx, req, res));
    FAIL();
  } catch (const http::problem_error& e) {
    EXPECT_EQ(e.status(), 504);
    EXPECT_STREQ(e.what(), "there is no time left to ask the upstream \"next\"");
  }
  EXPECT_EQ(options->upstreams["next"]->in_flight(), 0U);
}

}  // namespace
}  // namespace hangup::handlers
