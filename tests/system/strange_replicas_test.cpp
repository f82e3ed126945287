// /replicas/requests where a replica is none, or answers as no replica does: that one is said, and
// the others are shown as if it were not there.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/certificate.h"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_upstream.h"
#include "tests/support/listener.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

using nlohmann::json;
using words = std::vector<std::string>;

std::string as_answer(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::string times(std::size_t count, const std::string& text) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) {
    all += text;
  }
  return all;
}

std::string address_of(const fake_upstream& f) {
  return f.url().substr(7);
}

// A server whose replicas are played by the test.
class strange_replicas : public ::testing::Test {
 protected:
  fake_upstream& one(fake_upstream::script answer) {
    all_.push_back(std::make_unique<fake_upstream>(std::move(answer)));
    peers.push_back(address_of(*all_.back()));
    return *all_.back();
  }
  fake_upstream& one_that_says(const std::string& bytes) {
    return one([bytes](const asker& a) {
      a.head();
      a.send(bytes);
    });
  }
  fake_upstream& a_silent_one() {
    return one([](const asker& a) { a.leaves(); });
  }

  std::string config(int peer_timeout_ms) const {
    const json all = {{"databases", json::object()},
                      {"search", {{"root", ""}}},
                      {"http", {{"spot_deadline_ms", 60000}}},
                      {"admin", {{"peers", peers}, {"peer_timeout_ms", peer_timeout_ms}}}};
    return folder.write("server.json", all.dump());
  }
  void start(int peer_timeout_ms = 20000) { s.emplace(words{"--config", config(peer_timeout_ms)}); }

  answer ask(const std::string& method, const std::string& target) const {
    return client(s->port()).ask(method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  }
  static std::string detail(const answer& a) {
    return json::parse(a.body, nullptr, false).value("detail", "");
  }
  // The key of request 1 of this replica.
  static std::string key_at(std::string address) {
    for (auto& c : address) {
      c = c == '.' || c == ':' ? '_' : c;
    }
    return address + "-0badcafe-1";
  }
  double questions(const std::string& end) const {
    return s->metric("hangup_peer_questions_total{end=\"" + end + "\"}").value_or(-1);
  }

  const temporary_directory folder;
  words peers;
  std::vector<std::unique_ptr<fake_upstream>> all_;
  std::optional<server> s;  // is gone before they are
};

TEST_F(strange_replicas, are_said_to_be_and_the_others_are_shown_whole) {
  one_that_says(as_answer("200 OK", R"({"server": "0badcafe", "total": 1,
                                        "in_flight": [{"number": 7, "id": "a"}]})"));
  one_that_says(as_answer("200 OK", R"({"replica": 5, "error": 7, "in_flight": [{"number": 1}]})"));
  one_that_says(as_answer("200 OK", R"({"x": )" + times(100'000, "[") + times(100'000, "]") + "}"));
  one_that_says("SSH-2.0-OpenSSH_9.2\r\n");
  one_that_says(as_answer("401 Unauthorized", "{}"));
  one_that_says(as_answer("200 OK", "\"" + std::string(8U << 20U, 'x') + "\""));
  one_that_says(as_answer("200 OK", R"({"replica": "evil", "error": "evil", "total": 2,
                                        "in_flight": [{"number": 2, "key": "evil"}]})"));
  start();
  const auto a = ask("GET", "/replicas/requests");
  EXPECT_EQ(a.status, 200);
  EXPECT_LT(a.body.size(), 8192U);
  const auto page = json::parse(a.body)["replicas"];
  ASSERT_EQ(page.size(), 7U);
  for (std::size_t i = 0; i < page.size(); ++i) {
    EXPECT_EQ(page[i]["replica"], peers[i]);
  }
  const auto key = key_at(peers[0]);
  EXPECT_EQ(page[0],
            (json{{"replica", peers[0]},
                  {"error", nullptr},
                  {"server", "0badcafe"},
                  {"total", 1},
                  {"in_flight",
                   {{{"number", 7}, {"id", "a"}, {"key", key.substr(0, key.size() - 1) + "7"}}}}}));
  const std::string none = "what it answers is not what a replica answers: ";
  EXPECT_EQ(page[1]["error"], none + "total is missing");
  EXPECT_EQ(page[2]["error"], none + "it is nested deeper than 16 levels");
  EXPECT_EQ(page[3]["error"], "it did not answer as HTTP");
  EXPECT_EQ(page[4]["error"], "it asks for a token (status 401)");
  EXPECT_EQ(page[5]["error"], "its answer is too large");
  for (std::size_t i = 1; i < 6; ++i) {
    EXPECT_EQ(page[i].size(), 2U) << page[i];
  }
  EXPECT_EQ(page[6]["error"], nullptr);
  EXPECT_EQ(page[6]["total"], 2);
  EXPECT_NE(page[6]["in_flight"][0]["key"], "evil");
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_EQ(questions("answered"), 2);
  EXPECT_EQ(questions("malformed"), 3);
  EXPECT_EQ(questions("broken"), 1);
  EXPECT_EQ(questions("refused"), 1);
}

TEST_F(strange_replicas, hand_no_status_of_their_own_to_the_client_of_another) {
  const auto says = [](const std::string& status) {
    return as_answer(status, R"({"detail": "because", "number": 1, "state": "stopping"})");
  };
  for (const auto* const status :
       {"202 x", "400 x", "404 x", "401 x", "403 x", "421 x", "499 x", "200 x", "299 x", "503 x"}) {
    one_that_says(says(status));
  }
  one_that_says("?");
  one_that_says(as_answer("202 Accepted", R"({"number": "x"})"));
  start();
  const auto told = [&](std::size_t i) {
    return ask("DELETE", "/replicas/requests/" + key_at(peers[i]));
  };
  const auto done = told(0);
  EXPECT_EQ(done.status, 202);
  EXPECT_EQ(
      json::parse(done.body),
      (json{{"replica", peers[0]}, {"error", nullptr}, {"number", 1}, {"state", "stopping"}}));
  const auto wrong = told(1);
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(detail(wrong), "the replica " + peers[1] + ": status 400: because");
  EXPECT_EQ(told(2).status, 404);
  const auto refused = told(3);
  EXPECT_EQ(refused.status, 502);
  EXPECT_EQ(refused.header("www-authenticate"), "");
  EXPECT_EQ(detail(refused), "the replica " + peers[3] + ": it asks for a token (status 401)");
  for (std::size_t i = 4; i < peers.size(); ++i) {
    EXPECT_EQ(told(i).status, 502) << i;
  }
}

TEST_F(strange_replicas, have_told_no_more_to_stop_than_there_can_be) {
  one_that_says(as_answer("202 Accepted", R"({"stopping": 9007199254740992})"));
  one_that_says(as_answer("202 Accepted", R"({"stopping": 9007199254740992})"));
  one_that_says(as_answer("202 Accepted", R"({"stopping": 18446744073709551615})"));
  start();
  const auto a = ask("DELETE", "/replicas/requests?route=/spin");
  EXPECT_EQ(a.status, 202);
  const auto told = json::parse(a.body);
  EXPECT_EQ(told["stopping"].get<std::uint64_t>(), 18014398509481984U);
  EXPECT_EQ(
      told["replicas"][2]["error"],
      "what it answers is not what a replica answers: stopping is no whole number up to 2^53");
}

TEST_F(strange_replicas, of_which_none_answers_are_a_502_or_a_504_that_says_why) {
  a_silent_one();
  start(300);
  for (const auto* const page : {"/replicas/requests", "/replicas/requests/ended"}) {
    const auto late = ask("GET", page);
    EXPECT_EQ(late.status, 504);
    EXPECT_EQ(late.header("content-type"), "application/problem+json");
    EXPECT_EQ(detail(late), "no replica has answered; " + peers[0] + ": no answer in time");
  }
  EXPECT_EQ(ask("DELETE", "/replicas/requests?route=/spin").status, 504);
  EXPECT_EQ(ask("DELETE", "/replicas/requests/" + key_at(peers[0])).status, 504);
  EXPECT_EQ(questions("timed_out"), 4);

  peers.emplace_back("127.0.0.1:1");
  start(300);
  const auto gone = ask("GET", "/replicas/requests");
  EXPECT_EQ(gone.status, 502);
  EXPECT_EQ(detail(gone), "no replica has answered; " + peers[0] + ": no answer in time; " +
                              peers[1] + ": no connection");
  EXPECT_EQ(questions("unreachable"), 1);
}

TEST_F(strange_replicas, leave_it_to_say_by_status_that_the_question_was_ended) {
  a_silent_one();
  start();
  client waits(s->port());
  ASSERT_TRUE(waits.send(get("/replicas/requests")));
  json found;
  ASSERT_TRUE(eventually([&] {
    found = s->get("/requests?route=/replicas/requests&state=running")["in_flight"];
    return found.size() == 1;
  }));
  const auto number = std::to_string(found[0]["number"].get<std::uint64_t>());
  EXPECT_EQ(ask("DELETE", "/requests/" + number + "?reason=enough").status, 202);
  const auto told = waits.receive();
  EXPECT_EQ(told.status, 503);
  EXPECT_EQ(detail(told), "this request was ended by an operator: enough");
  EXPECT_TRUE(eventually([&] { return questions("canceled") == 1; }));
}

TEST_F(strange_replicas,
       are_asked_few_questions_at_a_time_and_the_others_are_refused_with_a_reason) {
  a_silent_one();
  start();
  std::vector<std::unique_ptr<client>> all;
  const auto some_more = [&](int count) {
    for (int i = 0; i < count; ++i) {
      all.push_back(std::make_unique<client>(s->port()));
      ASSERT_TRUE(all.back()->send(get("/replicas/requests")));
    }
  };
  some_more(2);
  ASSERT_TRUE(
      eventually([&] { return s->metric(R"(hangup_workers_running{pool="replicas"})") == 2; }));
  some_more(10);
  const auto is_answered = [](const auto& c) { return c->readable(10ms); };
  ASSERT_TRUE(eventually([&] { return std::count_if(all.begin(), all.end(), is_answered) == 4; }))
      << "2 run and 6 wait";
  for (const auto& c : all) {
    if (is_answered(c)) {
      const auto a = c->receive();
      EXPECT_EQ(a.status, 503);
      EXPECT_EQ(detail(a), "the queue of the pool \"replicas\" is full");
      EXPECT_EQ(a.header("retry-after"), "1");
    }
  }
  EXPECT_EQ(s->metric(R"(hangup_queue_rejected_total{pool="replicas"})"), 4);
  EXPECT_EQ(ask("GET", "/requests").status, 200) << "other pages have workers of their own";
}

TEST_F(strange_replicas, are_not_asked_where_all_of_them_would_speak_tls) {
  peers = {"10.0.0.2:8081"};
  const test::certificate own;
  const auto with = [&](words more) {
    more.insert(more.begin(), {HANGUP_BINARY, "--config", config(1000), "--tls-certificate",
                               own.file, "--tls-key", own.key_file});
    return more;
  };
  for (const auto& flags :
       {words{"--port", "0"}, words{"--port", "0", "--admin-listen", "127.0.0.1:0"},
        words{"--check-config"}}) {
    const auto r = run(with(flags));
    EXPECT_EQ(r.exit, 2) << r.output;
    EXPECT_TRUE(is_one_line(r.output)) << r.output;
    for (const auto* const named :
         {"admin.peers: found \"10.0.0.2:8081\", which is asked by plain HTTP",
          "tls.certificate and tls.key", "admin.listen to unix:PATH"}) {
      EXPECT_NE(r.output.find(named), std::string::npos) << r.output;
    }
  }
  EXPECT_EQ(run(with({"--admin-listen", "unix:" + (folder / "s"), "--check-config"})).exit, 0);
  process s(with({"--port", "0", "--admin-listen", "unix:" + (folder / "s")}));
  EXPECT_NE(s.line_with(", for operators on unix:"), "") << s.output();
}

}  // namespace
}  // namespace hangup::system_test
