// The pages for operators about all replicas.
#include <gtest/gtest.h>

#include <optional>

#include "tests/system/operators.h"

namespace hangup::system_test {
namespace {

// Two replicas; the first knows both, and one that is gone.
class replicas : public operators {
 protected:
  replicas() : second(flags({}, config({{"admin", {{"token_file", token_file()}}}}))) {
    peers = {"127.0.0.1:" + std::to_string(second.port()), "127.0.0.1:1", "nowhere.invalid:8081"};
    first.emplace(flags(
        {},
        config(
            {{"admin",
              {{"token_file", folder / "token"}, {"peers", peers}, {"peer_timeout_ms", 20000}}}})));
  }
  answer ask(const std::string& method, const std::string& target) {
    client c(first->port());
    asked_from = "127.0.0.1:" + std::to_string(c.local_port());
    return c.ask(
        asking(method, target, "X-Request-Id: op-9\r\nAuthorization: Bearer " + token + "\r\n"));
  }

  server second;
  std::vector<std::string> peers;
  std::optional<server> first;
  std::string asked_from;
};

TEST_F(replicas, are_shown_together_and_what_does_not_answer_is_said) {
  client waits(second.port());
  ASSERT_TRUE(waits.send(asking("GET", sim, "X-Request-Id: far\r\n")));
  json page;
  ASSERT_TRUE(eventually([&] {
    page = body_of(ask("GET", "/replicas/requests?route=/query/sim"))["replicas"];
    return page.is_array() && page.size() == 3 && page[0]["in_flight"].size() == 1;
  })) << page;
  EXPECT_EQ(page[0]["replica"], peers[0]);
  EXPECT_EQ(page[0]["error"], nullptr);
  EXPECT_EQ(page[0]["in_flight"][0]["id"], "far");
  EXPECT_EQ(page[1]["replica"], peers[1]);
  EXPECT_EQ(page[1]["error"], "no connection");
  EXPECT_EQ(page[2]["replica"], peers[2]);
  EXPECT_EQ(page[2]["error"], "the name has no address");

  const auto key = page[0]["in_flight"][0]["key"].get<std::string>();
  const auto told = ask("DELETE", "/replicas/requests/" + key + "?reason=from+afar");
  EXPECT_EQ(told.status, 202) << told.body;
  const auto asker = asked_from;
  const auto e = [&] {
    json all;
    EXPECT_TRUE(eventually([&] {
      all = body_of(ask("GET", "/replicas/requests/ended?end=operator"))["replicas"][0]["ended"];
      return all.size() == 1;
    }));
    return all[0];
  }();
  EXPECT_EQ(e["cause"], "ended by an operator: from afar");
  EXPECT_EQ(e["by"]["request"], "op-9") << "the one that the operator has sent";
  const auto by = e["by"]["client"].get<std::string>();
  EXPECT_TRUE(by.starts_with(asker + " through 127.0.0.1:")) << by << ", not " << asker;
  EXPECT_EQ(e["key"], key);
  EXPECT_EQ(ask("DELETE", "/replicas/requests/" + key).status, 404) << "it is over";

  // A key is for one server: not for that which takes its place, and its numbers.
  client other(second.port());
  ASSERT_TRUE(other.send(asking("GET", sim, "X-Request-Id: again\r\n")));
  std::string its;
  ASSERT_TRUE(eventually([&] {
    page = body_of(ask("GET", "/replicas/requests?route=/query/sim"))["replicas"];
    its = page[0]["in_flight"].empty() ? "" : page[0]["in_flight"][0]["key"].get<std::string>();
    return !its.empty();
  }));
  const auto last = its.rfind('-');
  const auto before = its.substr(0, last).rfind('-');
  const auto of_another = its.substr(0, before) + "-0badcafe" + its.substr(last);
  EXPECT_EQ(ask("DELETE", "/replicas/requests/" + of_another).status, 404);
  EXPECT_EQ(ask("DELETE", "/replicas/requests/" + its).status, 202);
}

TEST_F(replicas, end_many_on_all_of_them) {
  client waits(second.port());
  ASSERT_TRUE(waits.send(asking("GET", sim)));
  json told;
  ASSERT_TRUE(eventually([&] {
    told = body_of(ask("DELETE", "/replicas/requests?route=/query/sim"));
    return told["stopping"] == 1;
  })) << told;
  EXPECT_EQ(told["replicas"][0]["stopping"], 1);
  EXPECT_EQ(told["replicas"][1]["error"], "no connection");
}

TEST_F(replicas, are_asked_to_end_many_only_by_a_question_that_is_right) {
  for (const std::string wrong : {"", "?reason=x", "?older_than_ms=x", "?route=/spin&reason=%0a"}) {
    EXPECT_EQ(ask("DELETE", "/replicas/requests" + wrong).status, 400) << wrong;
  }
}

TEST_F(replicas, that_are_all_gone_end_nothing_and_that_is_said) {
  const server alone(flags({}, config({{"admin", {{"peers", {"127.0.0.1:1"}}}}})));
  const auto a = client(alone.port()).ask(asking("DELETE", "/replicas/requests?route=/spin"));
  EXPECT_EQ(a.status, 502);
  EXPECT_EQ(body_of(a)["detail"], "no replica has done it; 127.0.0.1:1: no connection");
}

TEST_F(replicas, are_those_that_are_configured_and_no_others) {
  EXPECT_EQ(ask("DELETE", "/replicas/requests/192_0_2_1_80-0badcafe-1").status, 404);
  EXPECT_EQ(ask("DELETE", "/replicas/requests/x").status, 404);
  const auto replica = "127_0_0_1_" + std::to_string(second.port());
  for (const std::string more : {"", "?server=0badcafe"}) {
    EXPECT_EQ(ask("DELETE", "/replicas/requests/" + replica + "-0badcafe-1" + more).status, 404)
        << "another server has this address now";
  }
  EXPECT_EQ(ask("DELETE", "/replicas/requests/127_0_0_1_1-0badcafe-1").status, 502) << "it is gone";
  for (const auto* const wrong :
       {"?limit=100000", "?state=bogus", "?after=x", "/ended?since=xx", "/ended?end=bogus"}) {
    EXPECT_EQ(ask("GET", std::string("/replicas/requests") + wrong).status, 400) << wrong;
  }
  EXPECT_EQ(status(first->port(), asking("GET", "/replicas/requests")), 401);
  EXPECT_EQ(client(second.port())
                .ask(asking("GET", "/replicas/requests", "Authorization: Bearer " + token + "\r\n"))
                .status,
            404)
      << "it has no peers";
}

}  // namespace
}  // namespace hangup::system_test
