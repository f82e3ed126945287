// Operators end requests.
#include <gtest/gtest.h>

#include <memory>

#include "tests/system/operators.h"

namespace hangup::system_test {
namespace {

TEST_F(operators, end_one_request_and_its_client_is_told_why) {
  server s(flags({}, config()));
  client streams(s.port());
  ASSERT_TRUE(streams.send(asking("GET", sim, "X-Request-Id: same\r\n")));
  ASSERT_NE(streams.receive_until("\n{"), "") << "the first row";
  const auto number = running(s.port(), "/query/sim", 1)[0]["number"].get<std::uint64_t>();
  const auto target = "/requests/" + std::to_string(number) + "?reason=it+burns";
  const auto asked = client(s.port()).ask(asking("DELETE", target, "X-Request-Id: op-7\r\n"));
  EXPECT_EQ(asked.status, 202);
  EXPECT_EQ(body_of(asked), (json{{"number", number}, {"state", "stopping"}}));
  EXPECT_FALSE(streams.receive_rest().ends_with("0\r\n\r\n")) << "it is broken off";

  const auto gone = [&] { return status(s.port(), asking("DELETE", target)) == 404; };
  EXPECT_TRUE(eventually(gone)) << "it is over";
  const auto line = s.program.line_with("ended by an operator: it burns");
  EXPECT_NE(line.find(" operator: ended by an operator: it burns, asked by 127.0.0.1:"),
            std::string::npos)
      << line;
  EXPECT_NE(line.find(" in op-7, "), std::string::npos) << line;
  const auto page = s.get("/requests/ended?end=operator");
  ASSERT_EQ(page["ended"].size(), 1U) << page;
  const auto& e = page["ended"][0];
  EXPECT_EQ(e["number"], number);
  EXPECT_EQ(e["id"], "same");
  EXPECT_EQ(e["cause"], "ended by an operator: it burns");
  EXPECT_EQ(e["by"]["request"], "op-7");
  EXPECT_TRUE(e["by"]["client"].get<std::string>().starts_with("127.0.0.1:"));
  EXPECT_EQ(s.metric(R"(hangup_requests_total{route="/query/sim",end="operator"})"), 1.0);
}

// The one before it may have had the same number for another request.
TEST_F(operators, end_a_request_of_this_server_only_if_they_say_which_they_mean) {
  const server s(flags({}, config()));
  client waits(s.port());
  ASSERT_TRUE(waits.send(asking("GET", "/query/sim?rows=100&row_ms=10000&stream=0")));
  const auto number = running(s.port(), "/query/sim", 1)[0]["number"].get<std::uint64_t>();
  const auto it = s.get("/requests")["server"].get<std::string>();
  EXPECT_EQ(s.get("/requests/ended")["server"], it);
  const auto target = "/requests/" + std::to_string(number) + "?server=";
  EXPECT_EQ(status(s.port(), asking("DELETE", target + "0badcafe0")), 404);
  EXPECT_EQ(status(s.port(), asking("DELETE", target)), 400) << "it says nothing";
  EXPECT_EQ(status(s.port(), asking("DELETE", target + it)), 202);
  EXPECT_EQ(waits.receive().status, 503);
}

TEST_F(operators, end_a_request_that_has_sent_nothing_with_a_503_that_says_why) {
  const server s(flags({}, config()));
  client waits(s.port());
  ASSERT_TRUE(waits.send(asking("GET", "/query/sim?rows=100&row_ms=10000&stream=0")));
  const auto number = running(s.port(), "/query/sim", 1)[0]["number"].get<std::uint64_t>();
  EXPECT_EQ(status(s.port(), asking("DELETE", "/requests/" + std::to_string(number) +
                                                  "?reason=%3Cb%3Etoo%20slow")),
            202);
  const auto told = waits.receive();
  EXPECT_EQ(told.status, 503);
  EXPECT_EQ(told.header("content-type"), "application/problem+json");
  EXPECT_EQ(told.header("retry-after"), "") << "nobody asks for it to be tried again";
  EXPECT_EQ(body_of(told)["detail"], "this request was ended by an operator: <b>too slow");
}

TEST_F(operators, get_the_same_answer_again_while_the_work_stops) {
  const server s(flags({}, config({{"spin", {{"allow_deaf", true}, {"max_deaf_ms", 60000}}}})));
  client deaf(s.port());
  ASSERT_TRUE(deaf.send(asking("GET", "/spin?ms=3000&look=0")));
  const auto number = running(s.port(), "/spin&state=running", 1)[0]["number"].get<std::uint64_t>();
  const auto target = "/requests/" + std::to_string(number);
  EXPECT_EQ(status(s.port(), asking("DELETE", target)), 202);
  EXPECT_EQ(status(s.port(), asking("DELETE", target)), 202) << "it stops";
  const auto page = s.get("/requests?state=stopping");
  ASSERT_EQ(page["in_flight"].size(), 1U) << page;
  EXPECT_EQ(page["in_flight"][0]["state"], "canceled, still running");
}

TEST_F(operators, tell_requests_with_the_same_id_apart) {
  const server s(flags({}, config()));
  client one(s.port());
  ASSERT_TRUE(one.send(asking("GET", sim, "X-Request-Id: twin\r\n")));
  running(s.port(), "/query/sim", 1);
  client other(s.port());
  ASSERT_TRUE(other.send(asking("GET", sim, "X-Request-Id: twin\r\n")));
  const auto both = running(s.port(), "/query/sim", 2);
  EXPECT_EQ(both[0]["id"], both[1]["id"]);
  ASSERT_LT(both[0]["number"], both[1]["number"]) << "the oldest is first";
  const auto second = both[1]["number"].get<std::uint64_t>();
  EXPECT_EQ(status(s.port(), asking("DELETE", "/requests/" + std::to_string(second))), 202);
  const auto left = running(s.port(), "/query/sim", 1);
  EXPECT_EQ(left[0]["number"], both[0]["number"]);
}

TEST_F(operators, end_no_request_by_a_number_that_is_written_in_another_way) {
  const server s(flags({}, config()));
  client waits(s.port());
  ASSERT_TRUE(waits.send(asking("GET", sim)));
  const auto number =
      std::to_string(running(s.port(), "/query/sim", 1)[0]["number"].get<std::uint64_t>());
  for (const auto& other : words{"0" + number, "00" + number, "+" + number, "-" + number,
                                 "%20" + number, number + "%20", "%2b" + number, "%0a" + number,
                                 number + ".0", number + "e0", "0x" + number, "%3" + number,
                                 number + "/", number + "%00", std::string(100, '0') + number}) {
    EXPECT_GE(status(s.port(), asking("DELETE", "/requests/" + other)), 400) << other;
  }
  EXPECT_EQ(running(s.port(), "/query/sim", 1)[0]["state"], "running");
  EXPECT_EQ(status(s.port(), asking("DELETE", "/requests/" + number)), 202);
}

TEST_F(operators, end_many_and_are_told_how_many) {
  const server s(flags({}, config()));
  std::vector<std::unique_ptr<client>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(std::make_unique<client>(s.port()));
    ASSERT_TRUE(all.back()->send(asking("GET", sim)));
  }
  client other(s.port());
  ASSERT_TRUE(other.send(asking("GET", "/query/sim/task?rows=100000&row_ms=50")));
  running(s.port(), "/query/sim", 3);
  running(s.port(), "/query/sim/task", 1);
  const auto ended = [&](const std::string& query) {
    return body_of(client(s.port()).ask(asking("DELETE", "/requests" + query)));
  };
  EXPECT_EQ(ended("?route=/query/sim&older_than_ms=3600000"), (json{{"stopping", 0}}));
  EXPECT_EQ(ended("?route=/query/sim"), (json{{"stopping", 3}}));
  EXPECT_EQ(ended("?older_than_ms=0"), (json{{"stopping", 1}})) << "but not itself";
  running(s.port(), "/query/sim", 0);
  EXPECT_EQ(status(s.port(), asking("DELETE", "/requests")), 400) << "all of them, by mistake";
}

TEST_F(operators, are_told_what_is_wrong_with_what_they_ask) {
  const server s(flags({}, config()));
  for (const std::string target :
       {"/requests?limit=0", "/requests?state=asleep", "/requests?after=x", "/requests?route=",
        "/requests?limit=1&limit=2", "/requests/ended?end=happy", "/requests/ended?since=noon",
        "/requests/ended?since=99999999999999999999h", "/requests/ended?limit=1000000"}) {
    const auto a = client(s.port()).ask(asking("GET", target));
    EXPECT_EQ(a.status, 400) << target;
    EXPECT_TRUE(body_of(a)["detail"].get<std::string>().starts_with("parameter \"")) << a.body;
  }
  for (const auto& target :
       words{"/requests/1?reason=", "/requests/1?reason=%0A", "/requests/1?reason=%C2%85",
             "/requests/1?reason=a%C2%9b31m", "/requests?older_than_ms=x",
             "/requests/1?reason=" + std::string(201, 'x')}) {
    EXPECT_EQ(status(s.port(), asking("DELETE", target)), 400) << target;
  }
  EXPECT_EQ(status(s.port(), asking("DELETE", "/requests/987654?reason=%C2%A0")), 404);
  for (const std::string target :
       {"/requests/0", "/requests/x", "/requests/99999999999999999999"}) {
    EXPECT_EQ(status(s.port(), asking("DELETE", target)), 404) << target;
  }
}

}  // namespace
}  // namespace hangup::system_test
