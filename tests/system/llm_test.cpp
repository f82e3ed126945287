// The two servers of examples/llm: what they answer is the same, and what they do when a client
// leaves is not.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/process.h"

namespace hangup::system_test {
namespace {

using namespace test;
using nlohmann::json;

// A running one, on a port of its own.
struct llm_server {
  llm_server(const char* binary, const std::vector<std::string>& flags)
      : program(command(binary, flags)) {
    const auto line = program.line_with("listening on ");
    port = static_cast<std::uint16_t>(std::stoi("0" + line.substr(line.find_last_of(':') + 1)));
  }
  static std::vector<std::string> command(const char* binary,
                                          const std::vector<std::string>& flags) {
    // A narrow model: a word takes a fraction of a millisecond.
    std::vector<std::string> all{binary, "--port", "0", "--width", "64"};
    all.insert(all.end(), flags.begin(), flags.end());
    return all;
  }

  answer ask(const std::string& request) const { return client(port).ask(request); }
  json health() const { return json::parse(ask(get("/health")).body, nullptr, false); }
  bool health_until(const char* key, int value) const {
    return eventually([&] { return health().value(key, -1) == value; });
  }

  process program;
  std::uint16_t port = 0;
};

std::string completion(int tokens, bool stream, int seed = 1, const std::string& headers = {}) {
  return post(
      "/completion",
      json{{"prompt", "The kernel"}, {"n_predict", tokens}, {"stream", stream}, {"seed", seed}}
          .dump(),
      headers);
}

std::string chat(int tokens, bool stream) {
  return post("/v1/chat/completions",
              json{{"messages", {{{"role", "user"}, {"content", "The kernel"}}}},
                   {"max_tokens", tokens},
                   {"stream", stream}}
                  .dump());
}

constexpr int for_ever = 100'000;  // tokens: longer than any test waits

// What the events of a stream say; empty if they have not the form of server-sent events.
std::vector<std::string> events_of(std::string_view body) {
  std::vector<std::string> all;
  while (!body.empty()) {
    const auto end = body.find("\n\n");
    if (end == std::string_view::npos || body.substr(0, 6) != "data: ") {
      return {};
    }
    all.emplace_back(body.substr(6, end - 6));
    body.remove_prefix(end + 2);
  }
  return all;
}

// --- what both answer ---

class llm : public testing::TestWithParam<const char*> {
 protected:
  llm_server start(const std::vector<std::string>& flags = {}) const { return {GetParam(), flags}; }
};

INSTANTIATE_TEST_SUITE_P(both, llm, testing::Values(LLM_STOCK, LLM_HOSTED),
                         [](const auto& of) { return of.index == 0 ? "stock" : "hosted"; });

TEST_P(llm, answers_a_chat_in_the_form_of_openai) {
  const auto server = start();
  const auto said = server.ask(chat(5, false));
  EXPECT_EQ(said.status, 200);
  EXPECT_EQ(said.header("content-type"), "application/json");
  const auto body = json::parse(said.body, nullptr, false);
  EXPECT_EQ(body.value("object", ""), "chat.completion");
  EXPECT_EQ(body["choices"][0]["message"]["role"], "assistant");
  EXPECT_EQ(body["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(body["usage"]["completion_tokens"], 5);
  EXPECT_FALSE(body["choices"][0]["message"]["content"].get<std::string>().empty());
}

TEST_P(llm, streams_the_same_words_as_events_that_end_with_done) {
  const auto server = start();
  const auto whole = json::parse(server.ask(chat(20, false)).body, nullptr, false);
  const auto said = server.ask(chat(20, true));
  EXPECT_EQ(said.status, 200);
  EXPECT_EQ(said.header("content-type"), "text/event-stream");
  EXPECT_TRUE(said.whole);
  auto events = events_of(said.body);
  ASSERT_GE(events.size(), 3U) << said.body;
  EXPECT_EQ(events.back(), "[DONE]");
  events.pop_back();
  EXPECT_EQ(json::parse(events.back())["choices"][0]["finish_reason"], "length");
  std::string words;
  for (const auto& event : events) {
    const auto e = json::parse(event);
    EXPECT_EQ(e.value("object", ""), "chat.completion.chunk");
    words += e["choices"][0]["delta"].value("content", "");
  }
  EXPECT_EQ(words, whole["choices"][0]["message"]["content"]);
}

TEST_P(llm, streams_completions_in_the_form_of_llama_cpp) {
  const auto server = start();
  const auto whole = json::parse(server.ask(completion(20, false)).body, nullptr, false);
  EXPECT_EQ(whole.value("tokens_predicted", 0), 20);
  const auto events = events_of(server.ask(completion(20, true)).body);
  ASSERT_GE(events.size(), 2U);
  std::string words;
  for (const auto& event : events) {
    const auto e = json::parse(event);
    EXPECT_EQ(e.value("stop", false), event == events.back());
    words += e.value("content", "");
  }
  EXPECT_EQ(words, whole["content"]);
}

TEST_P(llm, makes_the_same_text_for_the_same_seed_only) {
  const auto server = start();
  const auto text = [&](int seed) { return server.ask(completion(30, false, seed)).body; };
  EXPECT_EQ(text(7), text(7));
  EXPECT_NE(text(7), text(8));
}

TEST_P(llm, lets_nobody_in_without_the_key_but_for_health_and_the_page) {
  const auto server = start({"--api-key", "secret", "--public", "examples/llm/www"});
  const std::string right = "Authorization: Bearer secret\r\n";
  for (const auto* const wrong :
       {"", "Authorization: Bearer secre\r\n", "Authorization: secret\r\n",
        "Authorization: Bearer secretsecret\r\n"}) {
    const auto said = server.ask(completion(1, false, 1, wrong));
    EXPECT_EQ(said.status, 401) << wrong;
    EXPECT_EQ(json::parse(said.body, nullptr, false)["error"]["type"], "authentication_error");
    EXPECT_EQ(server.ask(get("/slots", wrong)).status, 401);
  }
  EXPECT_EQ(server.ask(completion(1, false, 1, right)).status, 200);
  EXPECT_EQ(server.ask(get("/slots", right)).status, 200);
  EXPECT_EQ(server.ask(get("/health")).status, 200);
  EXPECT_EQ(server.ask(get("/")).status, 200);
}

TEST_P(llm, answers_the_preflight_of_a_browser) {
  const auto server = start({"--api-key", "secret"});
  const auto said = server.ask(
      "OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.example\r\n"
      "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: "
      "authorization\r\n\r\n");
  EXPECT_EQ(said.status, 204);
  EXPECT_EQ(said.header("access-control-allow-origin"), "*");
  EXPECT_NE(said.header("access-control-allow-methods").find("POST"), std::string::npos);
  EXPECT_NE(said.header("access-control-allow-headers").find("Authorization"), std::string::npos);
  EXPECT_EQ(server.ask(get("/health")).header("access-control-allow-origin"), "*");
}

TEST_P(llm, serves_a_page_of_its_folder_and_nothing_beside_it) {
  const auto server = start({"--public", "examples/llm/www"});
  const auto page = server.ask(get("/index.html"));
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.header("content-type"), "text/html");
  EXPECT_NE(page.body.find("Hang up"), std::string::npos);
  EXPECT_EQ(server.ask(get("/")).body, page.body);
  for (const auto* const path : {"/../stock.cpp", "/%2e%2e/stock.cpp", "/..%2fstock.cpp"}) {
    const auto said = server.ask(get(path));
    EXPECT_GE(said.status, 400) << path;
    EXPECT_EQ(said.body.find("httplib"), std::string::npos) << path;
  }
}

TEST_P(llm, says_in_json_what_is_wrong) {
  const auto server = start();
  const auto code = [&](const std::string& request) {
    const auto said = server.ask(request);
    const auto body = json::parse(said.body, nullptr, false);
    EXPECT_TRUE(body.is_object() && body["error"]["message"].is_string()) << said.body;
    return said.status;
  };
  EXPECT_EQ(code(get("/nothing")), 404);
  EXPECT_EQ(code(post("/completion", "{")), 400);
  EXPECT_EQ(code(post("/completion", "{}")), 400);
  EXPECT_EQ(code(post("/completion", R"({"prompt": "a", "n_predict": -1})")), 400);
  EXPECT_EQ(code(post("/completion", R"({"prompt": "a", "stream": 1})")), 400);
  EXPECT_EQ(code(post("/v1/chat/completions", R"({"messages": ["a"]})")), 400);
}

TEST_P(llm, shows_its_slots_and_logs_its_requests) {
  auto server = start({"--slots", "3"});
  const auto slots = json::parse(server.ask(get("/slots")).body, nullptr, false);
  ASSERT_TRUE(slots.is_array());
  EXPECT_EQ(slots.size(), 3U);
  EXPECT_EQ(slots[2]["is_processing"], false);
  EXPECT_NE(server.program.line_with("GET /slots 200"), "");
}

TEST_P(llm, frees_the_slot_of_a_stream_whose_client_has_left) {
  auto server = start({"--slots", "1"});
  client leaves(server.port);
  ASSERT_TRUE(leaves.send(completion(for_ever, true)));
  ASSERT_NE(leaves.receive_until("data: "), "");
  leaves.close();
  EXPECT_NE(server.program.line_with("tokens, stopped"), "");
  EXPECT_EQ(server.ask(completion(1, false)).status, 200);
}

TEST_P(llm, ends_when_it_is_told_to_while_texts_are_made) {
  auto server = start();
  client stays(server.port);
  ASSERT_TRUE(stays.send(completion(for_ever, true)));
  ASSERT_NE(stays.receive_until("data: "), "");
  server.program.signal(SIGTERM);
  EXPECT_EQ(server.program.wait(), 0) << server.program.output();
}

// --- what only the hosted one does ---

class hosted_llm : public testing::Test {
 protected:
  static llm_server start(const std::vector<std::string>& flags) { return {LLM_HOSTED, flags}; }
};

TEST_F(hosted_llm, frees_the_slot_of_a_whole_text_whose_client_has_left) {
  auto server = start({"--slots", "1"});
  client leaves(server.port);
  ASSERT_TRUE(leaves.send(completion(for_ever, false)));
  ASSERT_NE(server.program.line_with("job 1: begins"), "");
  leaves.close();
  EXPECT_NE(server.program.line_with("tokens, stopped"), "");
  EXPECT_NE(server.program.line_with("POST /completion 499"), "");
}

TEST_F(hosted_llm, frees_it_also_if_the_client_has_sent_more_than_its_request) {
  auto server = start({"--slots", "1"});
  client leaves(server.port);
  ASSERT_TRUE(leaves.send(completion(for_ever, false) + get("/health")));
  ASSERT_NE(server.program.line_with("job 1: begins"), "");
  leaves.close();
  EXPECT_NE(server.program.line_with("tokens, stopped"), "");
}

TEST_F(hosted_llm, never_begins_the_text_of_a_client_that_left_while_it_waited_for_a_slot) {
  auto server = start({"--slots", "1"});
  client works(server.port);
  ASSERT_TRUE(works.send(completion(for_ever, false)));
  ASSERT_NE(server.program.line_with("job 1: begins"), "");
  client waits(server.port);
  ASSERT_TRUE(waits.send(completion(for_ever, false)));
  ASSERT_TRUE(server.health_until("queued", 1));
  waits.close();
  EXPECT_NE(server.program.line_with("job 2: never begun"), "");
  EXPECT_EQ(server.health().value("slots_processing", 0), 1);  // the first has not been touched
}

TEST_F(hosted_llm, never_calls_the_handler_for_those_who_left_while_all_threads_were_held) {
  auto server = start({"--slots", "1", "--threads", "1"});
  client works(server.port);
  ASSERT_TRUE(works.send(completion(for_ever, false, 1)));
  ASSERT_NE(server.program.line_with("job 1: begins"), "");
  std::vector<client> gone;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(gone.emplace_back(server.port).send(completion(for_ever, false)));
  }
  gone.clear();
  client stays(server.port);
  ASSERT_TRUE(stays.send(completion(1, false)));
  works.close();
  EXPECT_EQ(stays.receive().status, 200);
  EXPECT_NE(server.program.line_with("job 2: slot 0, 1 tokens, complete"), "");
}

TEST_F(hosted_llm, says_how_it_is_while_all_threads_are_held) {
  auto server = start({"--slots", "1", "--threads", "1"});
  client works(server.port);
  ASSERT_TRUE(works.send(completion(for_ever, false)));
  ASSERT_NE(server.program.line_with("job 1: begins"), "");
  client waits(server.port);
  ASSERT_TRUE(waits.send(completion(1, false)));
  EXPECT_EQ(server.health().value("slots_processing", 0), 1);
  EXPECT_EQ(server.ask(get("/slots")).status, 200);
  works.close();
  EXPECT_EQ(waits.receive().status, 200);
}

TEST_F(hosted_llm, answers_while_more_connections_than_threads_are_idle) {
  const auto server = start({"--threads", "2"});
  std::vector<client> idle;
  for (int i = 0; i < 16; ++i) {
    ASSERT_EQ(idle.emplace_back(server.port).ask(get("/health")).status, 200);
  }
  // With a thread for each, the next would wait until the first ones have been idle for 5 s.
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(server.ask(get("/health")).status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 4s);
}

TEST(llm_diff, has_at_most_ten_lines) {
  const auto diff = run({"diff", "examples/llm/stock.cpp", "examples/llm/hosted.cpp"});
  EXPECT_EQ(diff.exit, 1) << diff.output;
  int changed = 0;
  for (std::size_t at = 0; at < diff.output.size(); at = diff.output.find('\n', at) + 1) {
    changed += diff.output[at] == '<' || diff.output[at] == '>' ? 1 : 0;
  }
  EXPECT_LE(changed, 10) << diff.output;
  EXPECT_NE(diff.output.find("hosted<httplib::Server>"), std::string::npos) << diff.output;
}

}  // namespace
}  // namespace hangup::system_test
