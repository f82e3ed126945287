// What other replicas are told and what is made of their answers, byte by byte.
#include "server/peers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/fake_upstream.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;
using test::fake_upstream;

const std::string nothing_runs = R"({"total": 0, "in_flight": []})";

std::string with_status(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

// Sends this, whatever it is asked.
fake_upstream::script says(const std::string& bytes) {
  return [bytes](const test::asker& a) {
    a.head();
    a.send(bytes);
  };
}

class the_peers : public ::testing::Test {
 protected:
  the_peers() : all_(defaults_with_patience()) {}

  std::vector<peer_answer> ask(const std::vector<const fake_upstream*>& at,
                               const std::string& method = "GET",
                               peer_page page = peer_page::in_flight) {
    std::vector<std::string> replicas;
    for (const auto* const one : at) {
      replicas.push_back(one->url().substr(7));
    }
    const auto [ctx, over] = all_.patience(background());
    return all_.ask(ctx, replicas,
                    {.method = method, .target = "/requests", .page = page, .request_id = "1"});
  }
  peer_answer ask_one(const std::string& bytes, const std::string& method = "GET",
                      peer_page page = peer_page::in_flight) {
    const fake_upstream one(says(bytes));
    return ask({&one}, method, page).at(0);
  }

  const peers all_;

 private:
  static config::admin_t defaults_with_patience() {
    auto c = defaults().admin;
    c.peer_timeout = 20s;
    return c;
  }
};

TEST_F(the_peers, have_answered_if_it_is_an_answer_to_the_question) {
  const auto a = ask_one(with_status("200 OK", nothing_runs));
  EXPECT_EQ(name(a.end), "answered") << a.error;
  EXPECT_EQ(a.body, nothing_runs);
  EXPECT_EQ(a.error, "");
  EXPECT_EQ(all_.count(peer_end::answered), 1U);
}

TEST_F(the_peers, whose_answer_is_of_another_kind_are_said_not_to_have_answered) {
  const auto a = ask_one(with_status("200 OK", R"({"replica": 5, "error": 7, "in_flight": 1})"));
  EXPECT_EQ(name(a.end), "malformed");
  EXPECT_EQ(a.error,
            "what it answers is not what a replica answers: in_flight is no list of objects");
  EXPECT_EQ(a.body, "");
  EXPECT_EQ(all_.count(peer_end::malformed), 1U);
}

TEST_F(the_peers, that_speak_no_http_are_said_not_to) {
  for (const std::string bytes :
       {"SSH-2.0-OpenSSH_9.2\r\n", "\x15\x03\x01\x00\x02\x02\x16", "{}"}) {
    const auto a = ask_one(bytes);
    EXPECT_EQ(name(a.end), "broken") << bytes;
    EXPECT_EQ(a.error, "it did not answer as HTTP") << bytes;
  }
  EXPECT_EQ(ask_one("").error, "it closed the connection without an answer");
  EXPECT_EQ(ask_one("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{").error, "its answer broke off");
  EXPECT_EQ(all_.count(peer_end::broken), 5U);
}

TEST_F(the_peers, have_only_the_status_that_the_question_has_if_it_is_done) {
  for (const std::string status : {"204 No Content", "299 x", "202 Accepted", "302 Found"}) {
    const auto a =
        ask_one(with_status(status, status[0] == '2' && status[2] == '4' ? "" : nothing_runs));
    EXPECT_EQ(name(a.end), "failed") << status;
    EXPECT_EQ(a.error, "status " + status.substr(0, 3));
  }
  const auto done =
      ask_one(with_status("202 Accepted", R"({"stopping": 3})"), "DELETE", peer_page::end_many);
  EXPECT_EQ(name(done.end), "answered") << done.error;
  const auto said = ask_one(with_status("503 x", R"({"detail": "it is \u001b[2J drained"})"));
  EXPECT_EQ(said.error, "status 503: it is \x1b[2J drained") << "what shows it escapes it";
  EXPECT_EQ(ask_one(with_status("500 x", R"({"detail": 5})")).error, "status 500");
  EXPECT_EQ(ask_one(with_status("500 x", R"({"detail": ")" + std::string(199, 'x') + "\xc3\xa4\"}"))
                .error,
            "status 500: " + std::string(199, 'x') + "...");
}

TEST_F(the_peers, that_refuse_the_token_are_said_to) {
  const auto none = ask_one(with_status("401 x", "{}"));
  EXPECT_EQ(name(none.end), "refused");
  EXPECT_EQ(none.error, "it asks for a token (status 401)");
  EXPECT_EQ(ask_one(with_status("403 x", R"({"detail": "no"})")).error,
            "it has refused the question: status 403: no");
  const fake_upstream one(says(with_status("401 x", "{}")));
  const auto [ctx, over] = all_.patience(background());
  const auto wrong = all_.ask(ctx, {one.url().substr(7)},
                              {.method = "GET",
                               .target = "/requests",
                               .page = peer_page::in_flight,
                               .request_id = "1",
                               .authorization = "Bearer x"});
  EXPECT_EQ(wrong.at(0).error, "it has refused the token (status 401)");
  EXPECT_EQ(all_.count(peer_end::refused), 3U);
}

TEST_F(the_peers, have_room_for_their_answers_that_the_others_cannot_take) {
  const auto room = peers::room_for_each(2);
  const auto with = [](std::size_t bytes) {
    const std::string before = R"({"total": 0, "in_flight": [], "x": ")";
    return with_status("200 OK", before + std::string(bytes - before.size() - 2, 'x') + "\"}");
  };
  const fake_upstream much(says(with(room + 1)));
  const fake_upstream all(says(with(room)));
  const fake_upstream little([](const test::asker& a) {  // the others have sent theirs by then
    a.head();
    a.send("HTTP/1.1 200 OK\r\n");
    a.send("Content-Length: " + std::to_string(nothing_runs.size()) + "\r\n\r\n" + nothing_runs);
  });
  const auto answers = ask({&much, &little});
  EXPECT_EQ(name(answers[0].end), "malformed");
  EXPECT_EQ(answers[0].error, "its answer is too large");
  EXPECT_EQ(answers[0].body, "");
  EXPECT_EQ(answers[1].error, "");
  for (const auto& a : ask({&all, &all})) {
    EXPECT_EQ(a.error, "");
    EXPECT_EQ(a.body.size(), room);
  }
}

TEST_F(the_peers, have_room_for_a_head_and_no_more) {
  const fake_upstream heads([](const test::asker& a) {
    a.head();
    for (int i = 0; i < 100'000 && a.send("HTTP/1.1 100 Continue\r\n\r\n"); ++i) {
    }
  });
  EXPECT_EQ(ask({&heads}).at(0).error, "its answer is too large");
}

TEST_F(the_peers, are_asked_no_longer_than_somebody_waits) {
  const fake_upstream silent([](const test::asker& a) { a.leaves(); });
  const auto [asking, over] = with_cancel(background());
  const auto [ctx, no_more] = all_.patience(asking);
  over();
  const auto a = all_.ask(
      ctx, {silent.url().substr(7)},
      {.method = "GET", .target = "/requests", .page = peer_page::in_flight, .request_id = "1"});
  EXPECT_EQ(name(a.at(0).end), "canceled");
  EXPECT_EQ(all_.count(peer_end::canceled), 1U);
}

TEST_F(the_peers, leave_some_of_the_time_for_saying_that_they_are_late) {
  const auto [asking, over] = with_timeout(background(), 10s);
  const auto [ctx, no_more] = all_.patience(asking);
  EXPECT_LE(*ctx.deadline(), *asking.deadline() - 900ms);
  EXPECT_GE(*ctx.deadline(), context::clock::now());
}

TEST(room_for_peers, is_never_more_than_32_MiB_for_all) {
  for (std::size_t n = 1; n <= peers::most_addresses; ++n) {
    EXPECT_LE(n * peers::room_for_each(n), 32U << 20U) << n;
    EXPECT_GE(peers::room_for_each(n), 512U << 10U) << n;
  }
}

}  // namespace
}  // namespace hangup::server
