// The main job on the running binary: a real curl hangs up, and three surfaces say that the work
// stopped, when and why.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/support/eventually.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

// A folder with one file that takes long to search, because it is long, and one that does not.
class tree : public temporary_directory {
 public:
  tree() { write("small.txt", "nothing here\nint main() {}\n"); }

  void add_large(std::size_t megabytes) {
    std::ofstream out(*this / "large.txt");
    std::string line(99, 'x');
    line += "\n";
    std::string block;
    for (int i = 0; i < 10'000; ++i) {
      block += i % 10 == 0 ? "main " + line : line;
    }
    for (std::size_t mb = 0; mb < megabytes; ++mb) {
      out << block;
    }
  }
  // A configuration file in it, with this folder as the root of searches, a single worker for /spin
  // with this many places in its queue, and what else is given.
  std::string config(int queue, const nlohmann::json& more = nlohmann::json::object()) {
    nlohmann::json j = {{"search", {{"root", path()}, {"max_matches_limit", 1'000'000}}},
                        {"pools",
                         {{"query", {{"workers", 4}}},
                          {"cpu", {{"workers", 1}, {"queue", queue}}},
                          {"search", {{"workers", 4}}}}}};
    j.merge_patch(more);
    return write("server.json", j.dump(2));
  }
};

TEST(main_job, a_hang_up_on_a_query_is_seen_in_the_log_in_requests_and_in_metrics) {
  server s;
  // Collected, not streamed: a client that closes with rows unread leaves by a reset.
  const auto r =
      s.curl("/query/sim?rows=1000&row_ms=10&stream=0", with_id("job-1", {"--max-time", "0.5"}));
  EXPECT_EQ(r.exit, 28) << "curl gave up by itself";

  const auto e = s.ended("job-1");
  ASSERT_TRUE(e.is_object());
  EXPECT_EQ(e["end"], "client_closed");
  EXPECT_EQ(e["cause"], "client closed (FIN)");
  EXPECT_EQ(e["status"], 499);
  EXPECT_EQ(e["route"], "/query/sim");
  const auto started = e["started_ns"].get<std::int64_t>();
  const auto hung_up = e["context_ended_ns"].get<std::int64_t>();
  const auto stopped = e["work_stopped_ns"].get<std::int64_t>();
  const auto over = e["ended_ns"].get<std::int64_t>();
  EXPECT_LT(started, hung_up);
  EXPECT_LE(hung_up, stopped);
  EXPECT_LE(stopped, over);
  EXPECT_LT(stopped - hung_up, 1'000'000'000) << "the query would have gone on for nine seconds";

  const auto line = s.program.line_with("job-1");
  EXPECT_NE(line.find("499"), std::string::npos) << line;
  EXPECT_NE(line.find("client closed (FIN)"), std::string::npos) << line;
  EXPECT_NE(line.find("stopped in "), std::string::npos) << line;
  EXPECT_NE(line.find(" info "), std::string::npos) << "a hang-up is no error: " << line;

  EXPECT_EQ(s.metric(R"(hangup_requests_total{route="/query/sim",end="client_closed"})"), 1);
  EXPECT_EQ(s.metric(R"(hangup_stop_seconds_count{route="/query/sim"})"), 1);
  EXPECT_EQ(s.metric(R"(hangup_requests_in_flight{route="/query/sim"})"), 0);
  EXPECT_EQ(s.metric(R"(hangup_workers_running{pool="query"})"), 0);
}

// Each would have taken twenty seconds.
TEST(main_job, what_a_stopped_request_would_still_have_worked_is_counted_where_it_is_known) {
  server s;
  for (const std::string path : {"/query/sim", "/query/sim/task", "/spin"}) {
    const auto target = path == "/spin" ? path + "?ms=20000" : path + "?rows=20&row_ms=1000";
    s.curl(target, with_id("left-" + path.substr(1, 4), {"--max-time", "0.3"}));
    const auto saved = [&] {
      return s.metric("hangup_saved_work_seconds_total{route=\"" + path + "\"}").value_or(0);
    };
    EXPECT_TRUE(eventually([&] { return saved() > 10; })) << path << ' ' << saved();
    EXPECT_LE(saved(), 20) << path;
  }
}

TEST(main_job, what_would_have_been_stopped_by_a_deadline_is_saved_only_up_to_that) {
  server s;
  s.curl("/query/sim?rows=100&row_ms=1000",
         with_id("short", {"--max-time", "0.3", "-H", "X-Request-Timeout-Ms: 15000"}));
  const auto saved = [&] {
    return s.metric(R"(hangup_saved_work_seconds_total{route="/query/sim"})").value_or(0);
  };
  EXPECT_TRUE(eventually([&] { return saved() > 0; }));
  EXPECT_LE(saved(), 15);
}

TEST(main_job, a_query_that_nobody_leaves_is_answered_in_full) {
  server s;
  const auto r = s.curl("/query/sim?rows=5&row_ms=1", with_id("whole"));
  EXPECT_EQ(r.exit, 0);
  EXPECT_EQ(std::count(r.output.begin(), r.output.end(), '\n'), 5);
  EXPECT_NE(r.output.find("{\"row\":5,"), std::string::npos);
  const auto e = s.ended("whole");
  EXPECT_EQ(e["end"], "completed");
  EXPECT_TRUE(e["context_ended_ns"].is_null());
  EXPECT_TRUE(e["work_stopped_ns"].is_null());

  const auto collected = s.get("/query/sim?rows=3&row_ms=0&stream=0");
  EXPECT_EQ(collected["count"], 3);
  EXPECT_EQ(collected["rows"].size(), 3U);

  const std::string whole = "/query/sim?rows=1000&row_ms=0&stream=0";
  const auto head = s.curl(whole, {"--compressed", "-D", "-", "-o", "/dev/null"}).output;
  EXPECT_NE(head.find("\r\nContent-Encoding: gzip\r\n"), std::string::npos) << head;
  EXPECT_EQ(s.curl(whole, {"--compressed"}).output, s.curl(whole).output);
}

TEST(main_job, a_spinning_worker_notices_the_hang_up) {
  server s;
  EXPECT_EQ(s.curl("/spin?ms=60000", with_id("spin-1", {"--max-time", "0.3"})).exit, 28);
  const auto e = s.ended("spin-1");
  EXPECT_EQ(e["end"], "client_closed");
  EXPECT_LT(e["work_stopped_ns"].get<std::int64_t>() - e["context_ended_ns"].get<std::int64_t>(),
            1'000'000'000);
  const auto done = s.get("/spin?ms=20");
  EXPECT_GE(done["cpu_ms"].get<double>(), 20.0);
  EXPECT_LT(done["cpu_ms"].get<double>(), 200.0);
}

TEST(main_job, work_that_does_not_look_is_named_as_a_late_stopper_on_every_surface) {
  tree t;
  server s({"--config",
            t.config(8, {{"http", {{"late_after_ms", 50}}}, {"spin", {{"allow_deaf", true}}}})});
  EXPECT_EQ(s.curl("/spin?ms=3000&look=0", with_id("deaf-1", {"--max-time", "0.2"})).exit, 28);
  const auto line = s.program.line_with("late stopper: GET /spin?ms=3000&look=0 still works");
  EXPECT_NE(line.find("client closed (FIN)"), std::string::npos) << line;
  EXPECT_NE(line.find(" warning "), std::string::npos) << line;
  EXPECT_TRUE(s.in_flight_until([](const nlohmann::json& all) {
    return all.size() == 2 && std::any_of(all.begin(), all.end(), [](const nlohmann::json& r) {
             return r["id"] == "deaf-1" && r["late"] == true && r["canceled_ms"] >= 50;
           });
  })) << s.get("/requests");
  EXPECT_EQ(s.metric(R"(hangup_late_stoppers{route="/spin"})"), 1);
  EXPECT_FALSE(s.program.line_with("stopped at last,").empty());
  EXPECT_EQ(s.ended("deaf-1")["end"], "client_closed");
  EXPECT_EQ(s.metric(R"(hangup_late_stoppers{route="/spin"})"), 0);
  EXPECT_EQ(s.metric(R"(hangup_late_stoppers_total{route="/spin"})"), 1);
}

TEST(main_job,
     work_that_nothing_could_stop_is_refused_unless_it_is_allowed_and_then_it_is_bounded) {
  const std::vector<std::string> status = {"-w", "\n%{http_code}"};
  {
    server s;
    const auto r = s.curl("/spin?ms=600000&look=0", {"-w", "%{http_code}"}).output;
    EXPECT_NE(r.find("parameter \\\"ms\\\": found \\\"600000\\\", allowed a whole number 0..5000"),
              std::string::npos)
        << r;
    EXPECT_TRUE(r.ends_with("400")) << r;
    const auto brief = s.curl("/spin?ms=1&look=0", status).output;
    EXPECT_NE(brief.find("parameter \\\"look\\\": found \\\"0\\\", allowed 1"), std::string::npos)
        << brief;
    EXPECT_TRUE(brief.ends_with("400")) << brief;
  }
  tree t;
  server s({"--config", t.config(8, {{"spin", {{"allow_deaf", true}, {"max_deaf_ms", 20}}}})});
  EXPECT_TRUE(s.curl("/spin?ms=20&look=0", status).output.ends_with("200"));
  EXPECT_TRUE(s.curl("/spin?look=0", status).output.ends_with("200")) << "as much as is allowed";
  EXPECT_TRUE(s.curl("/spin?ms=21&look=0", status).output.ends_with("400"));
  EXPECT_TRUE(s.curl("/spin?ms=21", status).output.ends_with("200"));
}

TEST(main_job, a_hang_up_in_the_middle_of_a_search_stops_it_and_releases_the_lock) {
  tree t;
  t.add_large(200);
  server s({"--config", t.config(4)});
  const int lock = ::open(t.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // A client that reads slowly: the search waits for it, and so is still running when it leaves.
  process slow({"curl", "-sN", "--limit-rate", "1k", "-H", "X-Request-Id: search-1",
                s.url("/search?pattern=main&max_matches=1000000")});
  ASSERT_TRUE(s.in_flight_until([](const auto& all) {
    return std::any_of(all.begin(), all.end(), [](const auto& r) {
      return r["id"] == "search-1" && r["state"] == "running" && r["pool"] == "search";
    });
  }));
  ASSERT_NE(slow.line_with("\"line\""), "");
  EXPECT_NE(::flock(lock, LOCK_EX | LOCK_NB), 0) << "the search holds a shared lock";
  slow.signal(SIGTERM);
  const auto e = s.ended("search-1");
  EXPECT_EQ(e["status"], 499);
  EXPECT_TRUE(e["end"] == "client_closed" || e["end"] == "client_reset") << e;
  EXPECT_EQ(::flock(lock, LOCK_EX | LOCK_NB), 0) << "released";
  ::close(lock);
}

TEST(main_job, a_search_streams_matches_and_one_summary) {
  tree t;
  server s({"--config", t.config(4)});
  const auto r = s.curl("/search?pattern=main&path=small.txt");
  std::istringstream lines(r.output);
  std::string first;
  std::string last;
  std::getline(lines, first);
  std::getline(lines, last);
  const auto match = nlohmann::json::parse(first);
  EXPECT_EQ(match["path"], "small.txt");
  EXPECT_EQ(match["line"], 2);
  EXPECT_EQ(match["text"], "int main() {}");
  const auto summary = nlohmann::json::parse(last)["summary"];
  EXPECT_EQ(summary["files"], 1);
  EXPECT_EQ(summary["matches"], 1);
}

TEST(main_job, a_request_in_the_queue_whose_client_leaves_is_never_started) {
  tree t;
  server s({"--config", t.config(4)});
  process busy({"curl", "-s", s.url("/spin?ms=60000")});
  ASSERT_TRUE(s.in_flight_until([](const auto& all) { return all.size() >= 2; }));  // with our own
  EXPECT_EQ(s.curl("/spin?ms=1", with_id("queued-1", {"--max-time", "0.3"})).exit, 28);
  const auto e = s.ended("queued-1");
  EXPECT_EQ(e["end"], "client_closed");
  EXPECT_TRUE(e["work_stopped_ns"].is_null()) << "there was no work to stop";
  EXPECT_EQ(s.metric(R"(hangup_queue_dropped_total{pool="cpu"})"), 1);
  EXPECT_NE(s.program.line_with("queued-1").find("never started"), std::string::npos);
}

TEST(main_job, a_full_queue_is_answered_503_with_retry_after) {
  tree t;
  server s({"--config", t.config(0)});
  process busy({"curl", "-s", s.url("/spin?ms=60000")});
  ASSERT_TRUE(s.in_flight_until([](const auto& all) { return all.size() >= 2; }));
  const auto r = s.curl("/spin?ms=1", with_id("full-1", {"-i"}));
  EXPECT_NE(r.output.find("HTTP/1.1 503 "), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("Retry-After: 1"), std::string::npos) << r.output;
  EXPECT_NE(r.output.find("application/problem+json"), std::string::npos) << r.output;
  EXPECT_EQ(s.ended("full-1")["end"], "rejected");
}

TEST(main_job, a_deadline_is_answered_504) {
  tree t;
  server s({"--config",
            t.config(4, {{"routes", {{"query_sim", {{"pool", "query"}, {"deadline_ms", 100}}}}}})});
  const auto r = s.curl("/query/sim?rows=10&row_ms=60000&stream=0", with_id("late-1", {"-i"}));
  EXPECT_NE(r.output.find("HTTP/1.1 504 "), std::string::npos) << r.output;
  EXPECT_EQ(s.ended("late-1")["end"], "deadline");
}

TEST(main_job, the_sums_of_all_ends_agree_on_all_three_surfaces) {
  tree t;
  server s({"--config",
            t.config(0, {{"routes", {{"search", {{"pool", "search"}, {"deadline_ms", 1}}}}}})});
  t.add_large(100);
  s.curl("/query/sim?rows=2&row_ms=1");
  s.curl("/query/sim?rows=1000&row_ms=10&stream=0", {"--max-time", "0.2"});
  s.curl("/nothing");
  s.curl("/spin?ms=x");
  s.curl("/search?pattern=nowhere&path=large.txt");  // over its deadline of 1 ms
  {
    process busy({"curl", "-s", "-H", "X-Request-Id: last", s.url("/spin?ms=60000")});
    ASSERT_TRUE(s.in_flight_until([](const auto& all) { return all.size() >= 2; }));
    s.curl("/spin?ms=1");
  }
  ASSERT_TRUE(s.ended("last").is_object());

  // Only the slow routes and the unknown: looking at the pages is a request too.
  std::map<std::string, int> listed;
  const auto ended = s.get("/requests/ended?limit=1000");
  for (const auto& e : ended["ended"]) {
    const auto route = e["route"].get<std::string>();
    if (route.find("/requests") != 0 && route != "/metrics") {
      ++listed[route + " " + e["end"].get<std::string>()];
    }
  }
  EXPECT_EQ(listed["/query/sim completed"], 1);
  EXPECT_EQ(listed["/query/sim client_closed"], 1);
  EXPECT_EQ(listed["none bad_request"], 1);
  EXPECT_EQ(listed["/spin bad_request"], 1);
  EXPECT_EQ(listed["/spin rejected"], 1);
  EXPECT_EQ(listed["/search deadline"], 1);
  EXPECT_EQ(listed["/spin client_closed"] + listed["/spin client_reset"], 1);

  const auto page = s.curl("/metrics").output;
  s.program.signal(SIGTERM);
  ASSERT_EQ(s.program.wait(), 0);
  std::istringstream lines(s.program.output());
  std::map<std::string, int> logged;
  for (std::string line; std::getline(lines, line);) {
    for (const auto* end : {" completed,", " client_closed:", " client_reset:", " bad_request,",
                            " rejected,", " deadline:"}) {
      if (line.find(" GET /") != std::string::npos && line.find(end) != std::string::npos &&
          line.find("/requests") == std::string::npos &&
          line.find("/metrics") == std::string::npos) {
        ++logged[std::string(end).substr(1, std::strlen(end) - 2)];
      }
    }
  }
  std::map<std::string, int> by_end;
  for (const auto& [key, count] : listed) {
    const auto space = key.find(' ');
    const auto name = "hangup_requests_total{route=\"" + key.substr(0, space) + "\",end=\"" +
                      key.substr(space + 1) + "\"} " + std::to_string(count) + "\n";
    EXPECT_TRUE(count == 0 || page.find(name) != std::string::npos) << name << page;
    by_end[key.substr(space + 1)] += count;
  }
  for (const auto& [end, count] : by_end) {
    EXPECT_EQ(logged[end], count) << end;
  }
}

}  // namespace
}  // namespace hangup::system_test
