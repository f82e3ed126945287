// GET /relay on the built binary: servers in a chain, and a real curl that hangs up at the first.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <sstream>

#include "tests/support/certificate.h"
#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/fake_upstream.h"
#include "tests/support/needs.h"
#include "tests/support/resources.h"
#include "tests/support/sanitized.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

const std::string trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";

// A server with one upstream, "next".
class relaying {
 public:
  explicit relaying(const std::string& url, nlohmann::json relay = nlohmann::json::object(),
                    std::vector<std::string> flags = {},
                    const nlohmann::json& more = nlohmann::json::object()) {
    if (!relay.contains("upstreams")) {
      relay["upstreams"]["next"]["url"] = url;
    }
    nlohmann::json all = {{"relay", relay}};
    all.update(more);
    flags.insert(flags.end(), {"--config", folder_.write("server.json", all.dump())});
    it.emplace(flags);
  }
  server* operator->() { return &*it; }
  std::string url() const { return it->url(""); }

 private:
  const temporary_directory folder_;
  std::optional<server> it;
};

struct chain {
  explicit chain(const nlohmann::json& relay = nlohmann::json::object())
      : second(third.url(""), relay), first(second.url(), relay) {}
  server third;
  relaying second;
  relaying first;
};

TEST(relay, streams_the_answer_of_the_last_server) {
  chain c;
  const auto r = c.first->curl("/relay?hops=2&rows=3&row_ms=1", with_id("whole-1", {"-i"}));
  EXPECT_NE(r.output.find("HTTP/1.1 200 "), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("Content-Type: application/x-ndjson"), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("{\"row\":3,\"customer\":\"customer-3\"}"), std::string::npos);
  for (const server* s : {&*c.first.operator->(), &*c.second.operator->(), &c.third}) {
    EXPECT_EQ(s->ended("whole-1")["end"], "completed");
  }
  EXPECT_EQ(c.third.ended("whole-1")["target"], "/query/sim?rows=3&row_ms=1");
  EXPECT_EQ(c.first->metric(R"(hangup_upstream_calls_total{upstream="next",end="completed"})"), 1);
  EXPECT_EQ(c.first->metric(R"(hangup_upstream_calls_in_flight{upstream="next"})"), 0);
}

TEST(relay, passes_parameters_on_as_they_were_meant) {
  chain c;
  c.first->curl("/relay?hops=2&target=search&pattern=a%26b%3Dc%20%25%3F&path=log",
                with_id("odd-1"));
  EXPECT_EQ(c.third.ended("odd-1")["target"], "/search?pattern=a%26b%3Dc%20%25%3F&path=log");
  EXPECT_EQ(c.third.ended("odd-1")["status"], 200);
}

TEST(relay, hands_back_a_problem_of_the_last_server_as_it_is) {
  chain c;
  const auto r = c.first->curl("/relay?hops=2&rows=x", {"-i"});
  EXPECT_NE(r.output.find("HTTP/1.1 400 "), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("application/problem+json"), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("parameter \\\"rows\\\": found \\\"x\\\""), std::string::npos);
}

TEST(relay, carries_a_hang_up_at_the_first_server_to_the_last) {
  chain c;
  std::vector<double> times;
  const auto asked = "/relay?hops=2&rows=1000&row_ms=1000&stream=";
  for (int i = 0; i < 10; ++i) {
    const auto id = "left-" + std::to_string(i);
    process curl({"curl", "-sN", "-H", "X-Request-Id: " + id,
                  c.first->url(asked + std::string(i % 2 == 0 ? "0" : "1"))});
    ASSERT_TRUE(c.third.in_flight_until([&](const auto& all) {
      return std::any_of(all.begin(), all.end(),
                         [&](const auto& r) { return r["id"] == id && r["state"] == "running"; });
    }));
    curl.signal(SIGKILL);
    const auto last = c.third.ended(id);
    const auto first = c.first->ended(id);
    EXPECT_EQ(last["status"], 499) << last;
    EXPECT_EQ(first["status"], 499) << first;
    EXPECT_EQ(c.second->ended(id)["status"], 499);
    // CLOCK_MONOTONIC, in all of them: from the hang-up being heard by the first.
    const auto ns =
        last["work_stopped_ns"].get<std::int64_t>() - first["context_ended_ns"].get<std::int64_t>();
    EXPECT_GT(ns, 0);
    EXPECT_LT(ns, 2'000'000'000);
    times.push_back(static_cast<double>(ns) / 1e6);
  }
  std::sort(times.begin(), times.end());
  std::printf(
      "hang-up at the first of three servers to the last query stopped: %.3f ms (median of "
      "%zu), %.3f ms (worst)\n",
      times[times.size() / 2], times.size(), times.back());
  EXPECT_EQ(c.first->metric(R"(hangup_upstream_calls_total{upstream="next",end="canceled"})"), 10);
  EXPECT_NE(c.third.program.line_with("left-0").find("stopped in"), std::string::npos);
}

TEST(relay, a_thousand_that_wait_in_a_chain_of_three_need_no_thread_and_stop_in_all_of_them) {
  const auto many = static_cast<std::size_t>(rounds(1000));
  chain c;
  const std::vector<const server*> all = {&*c.first.operator->(), &*c.second.operator->(),
                                          &c.third};
  const auto waiting = [&](std::size_t count) {
    return std::all_of(all.begin(), all.end(), [&](const server* s) {
      return eventually([&] {
        return s->metric(R"(hangup_connections{state="waiting"})") == static_cast<double>(count);
      });
    });
  };
  ASSERT_TRUE(waiting(0));  // and the pages have been made once
  std::vector<std::size_t> threads;
  for (const auto* s : all) {
    threads.push_back(test::entries("/proc/" + std::to_string(s->pid()) + "/task"));
  }
  std::vector<client> clients;
  while (clients.size() < many) {
    clients.emplace_back(c.first->port());
    ASSERT_TRUE(
        clients.back().send(get("/relay?hops=2&target=sim_task&rows=1&row_ms=600000&stream=0")));
  }
  EXPECT_TRUE(waiting(many));
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_LE(test::entries("/proc/" + std::to_string(all[i]->pid()) + "/task"), threads[i] + 1)
        << "one more worker of the pages, at most";
  }
  clients.clear();
  EXPECT_TRUE(waiting(0));
  EXPECT_EQ(c.first->metric(R"(hangup_upstream_calls_total{upstream="next",end="canceled"})"),
            static_cast<double>(many));
}

TEST(relay, stops_what_only_computes_too) {
  chain c;
  process curl({"curl", "-s", "-H", "X-Request-Id: spun",
                c.first->url("/relay?hops=2&target=spin&ms=60000")});
  ASSERT_TRUE(c.third.in_flight_until([](const auto& all) {
    return std::any_of(all.begin(), all.end(), [](const auto& r) { return r["id"] == "spun"; });
  }));
  curl.signal(SIGKILL);
  EXPECT_EQ(c.third.ended("spun")["status"], 499);
}

TEST(relay, keeps_one_trace_over_all_servers_in_every_line_of_their_logs) {
  chain c;
  c.first->curl("/relay?hops=2&rows=1",
                with_id("traced", {"-H", "traceparent: 00-" + trace_id + "-00f067aa0ba902b7-01"}));
  std::vector<std::string> spans;
  for (server* s : {&*c.first.operator->(), &*c.second.operator->(), &c.third}) {
    const auto line = s->program.line_with("traced");
    const auto at = line.find(" traced " + trace_id + "-");
    ASSERT_NE(at, std::string::npos) << line;
    spans.push_back(line.substr(line.size() - 17, 16));
  }
  EXPECT_NE(spans[0], spans[1]);
  EXPECT_NE(spans[1], spans[2]);
  EXPECT_EQ(spans[0].find_first_not_of("0123456789abcdef"), std::string::npos) << spans[0];
}

TEST(trace, is_in_the_lines_of_late_stoppers_and_in_json_too) {
  const temporary_directory folder;
  const auto header = "traceparent: 00-" + trace_id + "-00f067aa0ba902b7-01";
  for (const std::string format : {"text", "json"}) {
    server s(
        {"--config", folder.write("server.json",
                                  R"({"http": {"late_after_ms": 1}, "spin": {"allow_deaf": true},)"
                                  R"( "log": {"format": ")" +
                                      format + "\"}}")});
    s.curl("/spin?ms=500&look=0", {"--max-time", "0.1", "-H", header});
    for (const auto* what : {"still works", "stopped at last", " 499 "}) {
      const auto line =
          s.program.line_with(format == "text"                     ? what
                              : std::string(what) == " 499 "       ? "\"status\":499"
                              : std::string(what) == "still works" ? "\"late stopper\""
                                                                   : "\"late stopper stopped\"");
      EXPECT_NE(line.find(trace_id), std::string::npos) << format << ": " << line;
      EXPECT_EQ(line.find("00f067aa0ba902b7") != std::string::npos, format == "json") << line;
    }
  }
}

TEST(relay, asks_with_its_own_span_what_is_left_of_the_time_and_a_short_list_of_headers) {
  std::promise<std::string> seen;
  fake_upstream f([&](const asker& a) {
    seen.set_value(a.head());
    a.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/a\r\nContent-Length: 2\r\nRetry-After: 7\r\n"
        "Cache-Control: no-store\r\nSet-Cookie: a=b\r\nServer: x\r\nConnection: close, a\r\n"
        "Keep-Alive: timeout=5\r\n\r\nok");
  });
  relaying s(f.url());
  const auto r = s->curl(
      "/relay",
      with_id("short-list", {"-i", "-H", "Accept: text/csv", "-H", "Cookie: secret", "-H",
                             "Authorization: secret", "-H", "X-Request-Timeout-Ms: 5000", "-H",
                             "tracestate: a=1", "-H", "Via: 1.1 before", "-H", "TE: trailers", "-H",
                             "traceparent: 00-" + trace_id + "-00f067aa0ba902b7-01"}));
  const auto head = seen.get_future().get();
  for (const std::string line :
       {"GET /query/sim HTTP/1.1", "Accept: text/csv", "X-Request-Id: short-list",
        "tracestate: a=1", "User-Agent: hangup"}) {
    EXPECT_NE(head.find(line + "\r\n"), std::string::npos) << line << "\n" << head;
  }
  EXPECT_EQ(head.find("secret"), std::string::npos) << head;
  EXPECT_EQ(head.find("TE:"), std::string::npos) << head;
  EXPECT_NE(head.find("Via: 1.1 before, 1.1 hangup-"), std::string::npos) << head;
  const auto span = s->program.line_with("short-list");
  EXPECT_NE(head.find("traceparent: 00-" + trace_id + "-" + span.substr(span.size() - 17, 16) +
                      "-01\r\n"),
            std::string::npos)
      << head << span;
  const auto at = head.find("X-Request-Timeout-Ms: ");
  ASSERT_NE(at, std::string::npos) << head;
  const auto left = std::stoi(head.substr(at + 22));
  EXPECT_GT(left, 1000);
  EXPECT_LE(left, 4980);

  for (const std::string line :
       {"Content-Type: text/a", "Retry-After: 7", "Cache-Control: no-store"}) {
    EXPECT_NE(r.output.find(line + "\r\n"), std::string::npos) << line << "\n" << r.output;
  }
  for (const std::string name : {"Set-Cookie", "Server:", "Keep-Alive"}) {
    EXPECT_EQ(r.output.find(name), std::string::npos) << r.output;
  }
}

// What curl sees of this answer of the upstream's, which has been asked with these headers.
struct seen_by_curl {
  std::string head;
  std::string body;
  std::string asked;
};

seen_by_curl handed_on(const std::string& answer, std::vector<std::string> with = {}) {
  std::promise<std::string> asked;
  fake_upstream f([&](const asker& a) {
    asked.set_value(a.head());
    a.send("HTTP/1.1 " + answer);
  });
  relaying s(f.url());
  with.emplace_back("-i");
  const auto all = s->curl("/relay", with).output;
  const auto end = all.find("\r\n\r\n");
  return {all.substr(0, end + 2), end == std::string::npos ? "" : all.substr(end + 4),
          asked.get_future().get()};
}

TEST(relay, hands_on_what_a_client_has_asked_for_with_conditions_and_ranges) {
  const auto part = handed_on(
      "206 Partial Content\r\nContent-Range: bytes 2-4/9\r\nETag: \"a\"\r\n"
      "Content-Length: 3\r\n\r\ncde",
      {"-H", "Range: bytes=2-4", "-H", "If-Range: \"a\""});
  EXPECT_NE(part.asked.find("\r\nRange: bytes=2-4\r\n"), std::string::npos) << part.asked;
  EXPECT_NE(part.asked.find("\r\nIf-Range: \"a\"\r\n"), std::string::npos) << part.asked;
  EXPECT_EQ(part.head.rfind("HTTP/1.1 206 ", 0), 0U) << part.head;
  EXPECT_NE(part.head.find("Content-Range: bytes 2-4/9\r\n"), std::string::npos) << part.head;
  EXPECT_EQ(part.body, "cde");

  const auto same = handed_on("304 Not Modified\r\nETag: \"a\"\r\nCache-Control: no-cache\r\n\r\n",
                              {"-H", "If-None-Match: \"a\""});
  EXPECT_NE(same.asked.find("\r\nIf-None-Match: \"a\"\r\n"), std::string::npos) << same.asked;
  EXPECT_EQ(same.head.rfind("HTTP/1.1 304 ", 0), 0U) << same.head;
  EXPECT_NE(same.head.find("ETag: \"a\"\r\n"), std::string::npos) << same.head;
  EXPECT_NE(same.head.find("Cache-Control: no-cache\r\n"), std::string::npos) << same.head;
}

TEST(relay, says_that_an_answer_which_lacks_what_it_needs_cannot_be_handed_on) {
  const auto r = handed_on("405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(r.head.rfind("HTTP/1.1 502 ", 0), 0U) << r.head;
  EXPECT_NE(r.body.find("the upstream \\\"next\\\" answered 405 without Allow"), std::string::npos)
      << r.body;
  const auto login = handed_on(
      "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"a\"\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_EQ(login.head.rfind("HTTP/1.1 401 ", 0), 0U) << login.head;
  EXPECT_NE(login.head.find("WWW-Authenticate: Basic realm=\"a\"\r\n"), std::string::npos);
  EXPECT_EQ(login.body, "no");
}

// The lines of a head but those that differ from answer to answer.
std::string lasting(const std::string& head) {
  std::string kept;
  std::istringstream lines(head);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("Date:", 0) != 0 && line.rfind("X-Request-Id:", 0) != 0) {
      kept += line + "\n";
    }
  }
  return kept;
}

TEST(relay, hands_on_an_empty_answer_as_it_is_and_its_head_alike) {
  const auto* const type = "Content-Type: text/x\r\n";
  std::mutex mutex;
  std::string answer;
  const auto answer_with = [&](const std::string& text) {
    const std::lock_guard hold(mutex);
    answer = text;
  };
  fake_upstream f([&](const asker& a) {
    a.head();
    const std::lock_guard hold(mutex);
    a.send("HTTP/1.1 " + answer);
  });
  relaying s(f.url());
  for (const std::string status :
       {"200 x", "401 x\r\nWWW-Authenticate: Basic", "404 x", "405 x\r\nAllow: PUT", "503 x"}) {
    for (const std::string framed :
         {"Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
      answer_with(status + "\r\n" + type + framed);
      const auto got = s->curl("/relay", {"-i"}).output;
      EXPECT_EQ(got.rfind("HTTP/1.1 " + status.substr(0, 3), 0), 0U) << got;
      EXPECT_NE(got.find(type), std::string::npos) << got;
      EXPECT_EQ(got.find("\r\n\r\n") + 4, got.size()) << "there is a body: " << got;
      answer_with(status + "\r\n" + type + framed.substr(0, framed.find("\r\n\r\n") + 4));
      EXPECT_EQ(lasting(s->curl("/relay", {"-I"}).output), lasting(got));
    }
  }
}

TEST(relay, does_not_pass_on_what_a_client_says_of_its_connection) {
  const auto r =
      handed_on("200 OK\r\nContent-Length: 0\r\n\r\n",
                {"-H", "Connection: range, Accept, If-none-match", "-H", "Range: bytes=0-1", "-H",
                 "Accept: a/b", "-H", "If-None-Match: \"a\"", "-H", "If-Match: \"b\""});
  EXPECT_EQ(r.asked.find("Range:"), std::string::npos) << r.asked;
  EXPECT_EQ(r.asked.find("If-None-Match:"), std::string::npos) << r.asked;
  EXPECT_NE(r.asked.find("\r\nAccept: */*\r\n"), std::string::npos) << r.asked;
  EXPECT_NE(r.asked.find("\r\nIf-Match: \"b\"\r\n"), std::string::npos) << r.asked;
}

TEST(relay, puts_its_own_date_and_type_where_the_upstream_has_none_for_others) {
  const auto r = handed_on(
      "200 OK\r\nDate: yesterday\r\nContent-Type: text/x\r\nConnection: content-type\r\n"
      "Content-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_EQ(r.head.find("yesterday"), std::string::npos) << r.head;
  EXPECT_NE(r.head.find(" GMT\r\n"), std::string::npos) << r.head;
  EXPECT_EQ(r.head.find("text/x"), std::string::npos) << r.head;
  EXPECT_EQ(r.head.find("Content-Range"), std::string::npos) << r.head;
  EXPECT_EQ(r.body, "ab");
}

TEST(relay, shortens_the_deadline_at_each_hop) {
  std::promise<std::string> seen;
  fake_upstream f([&](const asker& a) {
    seen.set_value(a.head());
    EXPECT_TRUE(a.leaves());
  });
  relaying second(f.url());
  relaying first(second.url());
  const auto r =
      first->curl("/relay?hops=2", with_id("short", {"-i", "-H", "X-Request-Timeout-Ms: 2000"}));
  EXPECT_NE(r.output.find("HTTP/1.1 504 "), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("the upstream \\\"next\\\" had not answered when the deadline passed"),
            std::string::npos)
      << r.output;
  const auto head = seen.get_future().get();
  const auto at = head.find("X-Request-Timeout-Ms: ");
  ASSERT_NE(at, std::string::npos) << head;
  EXPECT_LE(std::stoi(head.substr(at + 22)), 1960);
  EXPECT_TRUE(f.over(1)) << "and it has heard that nobody waits any more";
}

TEST(relay, cuts_a_loop) {
  // It cannot know its own port before it has one: so the loop is one of two servers.
  std::string back;
  {
    const fake_upstream f([](const asker&) {});
    back = f.url();
  }
  relaying one(back);
  relaying two(one.url(), nlohmann::json::object(), {"--port", back.substr(back.rfind(':') + 1)});
  const auto r = two->curl("/relay?hops=8", with_id("round", {"-i"}));
  EXPECT_NE(r.output.find("HTTP/1.1 508 "), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("this request has already passed through this server"), std::string::npos)
      << r.output;
  const auto count = [](relaying& s) {
    const auto all = s->get("/requests/ended?limit=1000")["ended"];
    return std::count_if(all.begin(), all.end(), [](const auto& e) { return e["id"] == "round"; });
  };
  EXPECT_EQ(count(two), 2);
  EXPECT_EQ(count(one), 1);
}

TEST(relay, stops_at_the_hop_limit_whatever_the_parameters_say) {
  server last;
  relaying strict(last.url(""), {{"max_hops", 1}});
  relaying first(strict.url());
  EXPECT_NE(first->curl("/relay?hops=3", {"-i"}).output.find("HTTP/1.1 400 "), std::string::npos)
      << "it may not ask for two more";
  const auto r = first->curl("/relay?hops=2", {"-i"});
  EXPECT_NE(r.output.find("HTTP/1.1 508 "), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("has passed through 1 servers, allowed 1"), std::string::npos)
      << r.output;
}

TEST(relay, is_not_there_without_upstreams_and_asks_nobody_else) {
  server plain;
  EXPECT_NE(plain.curl("/relay", {"-i"}).output.find("HTTP/1.1 404 "), std::string::npos);
  relaying s(plain.url(""));
  EXPECT_NE(s->curl("/relay?upstream=other", {"-i"}).output.find("HTTP/1.1 404 "),
            std::string::npos);
  EXPECT_NE(s->curl("/relay?target=other", {"-i"}).output.find("HTTP/1.1 404 "), std::string::npos);
}

TEST(relay, that_has_begun_to_answer_breaks_off_when_the_upstream_does) {
  fake_upstream f([](const asker& a) {
    a.head();
    a.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n");
    ::poll(nullptr, 0, 100);
    a.reset();
  });
  relaying s(f.url());
  const auto r = s->curl("/relay", with_id("torn", {"-N"}));
  EXPECT_EQ(r.exit, 18) << "curl: transfer closed with outstanding read data remaining" << r.output;
  EXPECT_EQ(r.output.rfind("hello\n", 0), 0U) << r.output;
  const auto line = s->program.line_with("torn");
  EXPECT_NE(line.find("200 failed"), std::string::npos) << line;
  EXPECT_NE(line.find("the upstream \"next\" broke its answer off"), std::string::npos) << line;
  EXPECT_EQ(s->metric(R"(hangup_upstream_calls_total{upstream="next",end="broken"})"), 1);
}

TEST(relay, breaks_off_with_a_reset_where_only_the_close_would_say_that_it_is_all) {
  fake_upstream f([](const asker& a) {
    a.head();
    a.send("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nhello\n");
  });
  relaying s(f.url());
  const auto r = s->curl("/relay", {"--http1.0", "-N"});
  EXPECT_EQ(r.exit, 56) << "curl: failure in receiving network data" << r.output;
}

TEST(relay, to_a_server_that_is_killed_is_a_502) {
  auto last = std::make_unique<server>();
  relaying s(last->url(""));
  process curl({"curl", "-si", "-H", "X-Request-Id: orphan",
                s->url("/relay?rows=1000&row_ms=1000&stream=0")});
  ASSERT_TRUE(last->in_flight_until([](const auto& all) {
    return std::any_of(all.begin(), all.end(), [](const auto& r) { return r["id"] == "orphan"; });
  }));
  last->program.signal(SIGKILL);
  ASSERT_EQ(curl.wait(), 0);
  EXPECT_NE(curl.output().find("HTTP/1.1 502 "), std::string::npos) << curl.output();
  EXPECT_NE(curl.output().find("the upstream \\\"next\\\" "), std::string::npos) << curl.output();
  EXPECT_EQ(curl.output().find("127.0.0.1"), std::string::npos) << curl.output();
}

TEST(relay, to_a_server_that_is_silent_is_a_504) {
  fake_upstream f([](const asker& a) { EXPECT_TRUE(a.leaves()); });
  relaying s(f.url(), {{"stall_timeout_ms", 200}});
  const auto r = s->curl("/relay", {"-i"});
  EXPECT_NE(r.output.find("HTTP/1.1 504 "), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("sent nothing for 200 ms"), std::string::npos) << r.output;
  EXPECT_TRUE(f.over(1));
}

TEST(relay, over_tls_trusts_whom_its_ca_file_names) {
  const test::certificate own;
  const test::certificate other;
  server last({"--tls-certificate", own.file, "--tls-key", own.key_file});
  const auto url = last.url("");
  relaying s("", {{"upstreams",
                   {{"next", {{"url", url}, {"ca_file", own.file}}},
                    {"strange", {{"url", url}, {"ca_file", other.file}}},
                    {"public", {{"url", url}}}}}});
  EXPECT_EQ(s->curl("/relay?rows=1&row_ms=0").output, "{\"row\":1,\"customer\":\"customer-1\"}\n");
  for (const auto* name : {"strange", "public"}) {
    const auto r = s->curl("/relay?upstream=" + std::string(name), {"-i"});
    EXPECT_NE(r.output.find("HTTP/1.1 502 "), std::string::npos) << r.output;
    EXPECT_NE(r.output.find("certificate that is not to be trusted"), std::string::npos)
        << r.output;
  }
  process curl({"curl", "-s", "-H", "X-Request-Id: tls", s->url("/relay?row_ms=60000")});
  ASSERT_NE(s->program.output(), "");
  const auto there = [&] {
    return run({"curl", "-s", "--cacert", own.file, url + "/requests"}).output.find("\"tls\"") !=
           std::string::npos;
  };
  while (!there()) {
    ASSERT_FALSE(curl.wait(5ms));
  }
  curl.signal(SIGKILL);
  EXPECT_NE(last.program.line_with(" tls ").find(" 499 client_closed"), std::string::npos);
}

// A name server that does not answer, for this server alone: its /etc/resolv.conf is another one,
// in a mount namespace of its own.
TEST(relay, does_not_wait_for_a_name_server_when_its_client_has_left_nor_when_it_stops) {
  needs({root(), mount_namespace(), test::program("unshare"), test::program("curl")});
  const int silent = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(53);
  ::inet_pton(AF_INET, "127.83.11.7", &at.sin_addr);
  ASSERT_EQ(::bind(silent, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  const temporary_directory folder;
  const auto names =
      folder.write("resolv.conf", "nameserver 127.83.11.7\noptions timeout:30 attempts:5\n");
  const auto config = folder.write("server.json", R"({"listen": {"port": 0}, "relay": {
      "upstreams": {"next": {"url": "http://nobody.example"}}, "connect_timeout_ms": 60000}})");
  process s(
      {"unshare", "-m", "sh", "-c",
       "mount --bind " + names + " /etc/resolv.conf && exec " HANGUP_BINARY " --config " + config});
  const auto line = s.line_with(" listens on http");
  const auto from = line.find("http://");
  ASSERT_NE(from, std::string::npos) << s.output();
  const auto base = line.substr(from, line.find(' ', from) - from);

  pollfd asked{silent, POLLIN, 0};
  for (const auto* id : {"named-1", "named-2", "named-3"}) {
    process curl({"curl", "-s", "-H", "X-Request-Id: " + std::string(id), base + "/relay"});
    ASSERT_EQ(::poll(&asked, 1, 20'000), 1) << "the name server has been asked";
    while (run({"curl", "-s", base + "/requests"}).output.find(id) == std::string::npos) {
      ASSERT_FALSE(curl.wait(5ms));
    }
    curl.signal(SIGKILL);
    const auto told = s.line_with(id);
    EXPECT_NE(told.find(" 499 client_closed"), std::string::npos) << told;
    const auto stopped = told.find("stopped in ");
    ASSERT_NE(stopped, std::string::npos) << told;
    EXPECT_LT(std::stod(told.substr(stopped + 11)), 2000) << told;
  }
  s.signal(SIGTERM);
  EXPECT_EQ(s.wait(), 0) << "the look-up goes on, and nobody waits for it";
  ::close(silent);
}

TEST(relay, with_a_wrong_setting_is_one_line_and_exit_code_2) {
  const temporary_directory folder;
  const auto file = folder / "server.json";
  const auto said = [&](const std::string& upstream) {
    folder.write("server.json", R"({"relay": {"upstreams": {"next": )" + upstream + "}}}");
    const auto r = run({HANGUP_BINARY, "--port", "0", "--config", file});
    EXPECT_EQ(r.exit, 2);
    EXPECT_EQ(std::count(r.output.begin(), r.output.end(), '\n'), 1) << r.output;
    return r.output;
  };
  EXPECT_EQ(said(R"({"url": "http://a:70000"})"),
            file +
                ": relay.upstreams.next.url: found \"http://a:70000\", which has no port 1..65535 "
                "behind its host, or more than that, allowed http://NAME or https://NAME with or "
                "without :PORT, or unix:PATH\n");
  EXPECT_EQ(said(R"({"url": "http://me:secret@a"})").find("secret"), std::string::npos);
  EXPECT_EQ(said(R"({"url": "https://a", "ca_file": "/nowhere"})"),
            file +
                ": relay.upstreams.next.ca_file: found \"/nowhere\", which cannot be read: No such "
                "file or directory, allowed a PEM file\n");
  EXPECT_NE(said(R"({"url": "https://a", "ca_file": ")" + file + "\"}")
                .find("which has no certificate in PEM, allowed a PEM file"),
            std::string::npos);
  EXPECT_NE(said(R"({"url": "gopher://a"})").find("relay.upstreams.next.url: found \"gopher://a\""),
            std::string::npos);
}

}  // namespace
}  // namespace hangup::system_test
