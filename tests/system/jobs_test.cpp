// Detached reports on the running binary: a real curl starts them, leaves, and comes back.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/eventually.h"
#include "tests/support/sanitized.h"
#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

using nlohmann::json;

const char* const hopeless = "/query/sqlite?report=crunch&n=1000000000000&detach=1";

class shop_with_jobs : public shop {
 public:
  explicit shop_with_jobs(json jobs = json::object(), int drain = 10) {
    settings["jobs"] = std::move(jobs);
    settings["stopping"] = {{"drain_seconds", drain}};
  }
};

// Starts a job: the path that Location names.
std::string start(const server& s, const std::string& target,
                  std::vector<std::string> options = {}) {
  options.insert(options.end(), {"-i", "-X", "POST"});
  const auto r = s.curl(target, options).output;
  EXPECT_NE(r.find("HTTP/1.1 202 "), std::string::npos) << r;
  const auto at = r.find("Location: ");
  return at == std::string::npos ? "" : r.substr(at + 10, r.find('\r', at) - at - 10);
}

bool becomes(const server& s, const std::string& job, const std::string& state) {
  return eventually([&] { return s.get(job).value("state", "") == state; });
}

TEST(detached, a_report_is_answered_202_and_its_result_is_that_of_the_same_report_asked_for) {
  const shop_with_jobs f;
  server s({"--config", f.config()});
  for (const auto& options : {std::vector<std::string>{}, {"-d", ""}}) {
    const auto job = start(s, "/query/sqlite?report=top_customers&n=20&detach=1", options);
    ASSERT_EQ(job.size(), 6U + 32U) << job;
    ASSERT_TRUE(becomes(s, job, "done"));
    const auto v = s.get(job);
    EXPECT_EQ(v["what"], "database sqlite, report top_customers");
    EXPECT_EQ(v["rows"], 20);
    EXPECT_EQ(v["result"], job + "/result");
    const auto result = s.curl(job + "/result").output;
    EXPECT_EQ(result, s.curl("/query/sqlite?report=top_customers&n=20").output);
    EXPECT_EQ(v["bytes"], result.size());
  }
  const auto csv =
      start(s, "/query/sqlite?report=customer&id=7&detach=1", {"-H", "Accept: text/csv"});
  ASSERT_TRUE(becomes(s, csv, "done"));
  const auto r = s.curl(csv + "/result", {"-i"}).output;
  EXPECT_NE(r.find("Content-Type: text/csv; charset=utf-8; header=present\r\n"), std::string::npos);
  EXPECT_TRUE(r.ends_with("id,name,city,country,since\r\n7,Olga Eriksson,Paris,FR,2023-09-28\r\n"));
  EXPECT_EQ(s.get("/jobs")["jobs"].size(), 3U);
  EXPECT_EQ(s.metric(R"(hangup_jobs{state="done"})"), 3);
  EXPECT_EQ(s.metric(R"(hangup_requests_total{route="/jobs/{id}/result",end="completed"})"), 3);
  const auto page = s.curl("/metrics").output;
  EXPECT_EQ(page.find(csv), std::string::npos) << "no id is a label";
  const std::string line = "\nhangup_requests_total{route=\"/query/sqlite\",end=\"completed\"} ";
  EXPECT_EQ(page.find(line), page.rfind(line)) << "GET and POST are one series";
}

TEST(detached, delete_stops_the_engine_and_the_next_one_forgets_the_job) {
  const shop_with_jobs f;
  server s({"--config", f.config()});
  const auto job = start(s, hopeless, {"-H", "X-Request-Id: starter"});
  ASSERT_TRUE(becomes(s, job, "running"));
  EXPECT_EQ(s.metric(R"(hangup_database_connections_in_use{database="sqlite"})"), 1);
  EXPECT_NE(s.curl(job + "/result", {"-i"}).output.find("HTTP/1.1 409 "), std::string::npos);
  const auto stops = s.curl(job, {"-X", "DELETE", "-o", "/dev/null", "-w", "%{http_code}"}).output;
  EXPECT_TRUE(stops == "202" || stops == "200") << "stopping, or stopped by now: " << stops;
  ASSERT_TRUE(becomes(s, job, "canceled"));
  EXPECT_EQ(s.metric(R"(hangup_database_connections_in_use{database="sqlite"})"), 0);
  EXPECT_EQ(s.metric(R"(hangup_queries_total{database="sqlite",end="stopped"})"), 1);
  EXPECT_EQ(s.metric(R"(hangup_jobs_total{end="canceled"})"), 1);
  EXPECT_NE(s.curl(job + "/result", {"-i"}).output.find("HTTP/1.1 410 "), std::string::npos);
  const auto id = job.substr(6);
  const auto begins = s.program.line_with("job " + id + " begins: database sqlite, report crunch");
  EXPECT_NE(begins.find(" [starter "), std::string::npos) << begins;
  const auto ends = s.program.line_with("job " + id + " canceled: canceled: DELETE, request ");
  EXPECT_NE(ends.find(", stopped in "), std::string::npos) << ends;
  EXPECT_NE(ends.find(" [starter "), std::string::npos) << ends;
  EXPECT_EQ(s.curl(job, {"-X", "DELETE", "-o", "/dev/null", "-w", "%{http_code}"}).output, "200");
  EXPECT_EQ(s.curl(job, {"-o", "/dev/null", "-w", "%{http_code}"}).output, "404");
}

TEST(detached, what_is_too_much_is_refused_or_fails_with_its_reason) {
  const shop_with_jobs f(
      {{"most", 3}, {"max_result_bytes", 1000}, {"deadline_ms", 300}, {"keep_s", 3}});
  server s({"--config", f.config()});
  const auto large = start(s, "/query/sqlite?report=orders&detach=1");
  const auto slow = start(s, hopeless);
  ASSERT_TRUE(becomes(s, large, "failed"));
  EXPECT_EQ(s.get(large)["cause"], "the result is larger than allowed: more than 1000 bytes");
  ASSERT_TRUE(becomes(s, slow, "failed"));
  EXPECT_EQ(s.get(slow)["cause"], "deadline exceeded: the job's own");
  EXPECT_EQ(s.metric("hangup_job_result_bytes"), 0);
  start(s, "/query/sqlite?report=customer&id=7&detach=1");
  const auto full =
      s.curl("/query/sqlite?report=customer&id=7&detach=1", {"-i", "-X", "POST"}).output;
  EXPECT_NE(full.find("HTTP/1.1 503 "), std::string::npos) << full;
  EXPECT_NE(full.find("Retry-After: "), std::string::npos) << full;
  EXPECT_NE(full.find("there are 3 jobs, which is the limit"), std::string::npos) << full;
  EXPECT_EQ(s.metric(R"(hangup_jobs_refused_total{reason="jobs"})"), 1);
  const auto limit = std::chrono::steady_clock::now() + patience;
  while (s.get("/jobs")["jobs"].size() > 0 && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_EQ(s.metric("hangup_jobs_expired_total"), 3);
}

TEST(detached, nothing_starts_by_mistake) {
  const shop_with_jobs f;
  server s({"--config", f.config()});
  const auto status = [&](const std::string& target, std::vector<std::string> options) {
    options.insert(options.end(), {"-o", "/dev/null", "-w", "%{http_code}"});
    return s.curl(target, options).output;
  };
  EXPECT_EQ(status("/query/sqlite?report=cross&detach=2", {}), "400");
  for (const auto& [more, found] : {std::pair("", "nothing"), {"&detach=0", "\\\"0\\\""}}) {
    const auto said =
        s.curl(std::string("/query/sqlite?report=cross") + more, {"-X", "POST"}).output;
    EXPECT_NE(said.find("parameter \\\"detach\\\": found " + std::string(found) +
                        ", allowed 1 with POST, which starts a job"),
              std::string::npos)
        << said;
  }
  EXPECT_EQ(status(hopeless, {"--head"}), "405");
  EXPECT_EQ(status(hopeless, {}), "405") << "a page anywhere may have this as an image";
  EXPECT_NE(s.curl(hopeless, {"-i"}).output.find("Allow: POST\r\n"), std::string::npos);
  EXPECT_EQ(status("/query/sqlite?report=none&detach=1", {"-X", "POST"}), "404");
  EXPECT_EQ(status("/query/sqlite?report=crunch&n=0&detach=1", {"-X", "POST"}), "400");
  for (const char* const header : {"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site",
                                   "Origin: http://evil.example", "Origin: null"}) {
    EXPECT_EQ(status(hopeless, {"-X", "POST", "-H", header}), "403") << header;
    EXPECT_EQ(status("/jobs/x", {"-X", "DELETE", "-H", header}), "403") << header;
  }
  EXPECT_EQ(s.get("/jobs")["jobs"].size(), 0U);
}

TEST(detached, a_page_of_this_server_may_start_one_and_so_may_a_program) {
  const shop_with_jobs f;
  server s({"--config", f.config()});
  const auto own = "Origin: " + s.url("");
  for (const std::string& header :
       {std::string("Sec-Fetch-Site: same-origin"), std::string("Sec-Fetch-Site: none"), own}) {
    start(s, "/query/sqlite?report=customer&id=7&detach=1", {"-H", header});
  }
}

TEST(detached, reports_that_never_end_leave_workers_and_connections_to_who_waits) {
  const shop_with_jobs f;
  server s({"--config", f.config()});
  for (int i = 0; i < 20; ++i) {
    start(s, hopeless);
  }
  const auto r = s.curl("/query/sqlite?report=customer&id=7", {"-w", "%{http_code}"});
  EXPECT_TRUE(r.output.ends_with("200")) << r.output;
  EXPECT_LE(s.metric(R"(hangup_database_connections_in_use{database="sqlite"})"), 4);
  const auto other =
      start(s, "/query/sqlite?report=customer&id=7&detach=1", {"--interface", "127.0.0.2"});
  EXPECT_TRUE(becomes(s, other, "done")) << "another client's job goes before those that wait";
}

TEST(detached, one_client_does_not_take_all_places_for_jobs) {
  const shop_with_jobs f({{"most", 4}, {"spare_percent", 50}});
  server s({"--config", f.config()});
  for (int i = 0; i < 4; ++i) {
    start(s, "/query/sqlite?report=customer&id=7&detach=1");
  }
  const std::string one = "/query/sqlite?report=customer&id=7&detach=1";
  const std::vector<std::string> post = {"-X", "POST", "-o", "/dev/null", "-w", "%{http_code}"};
  EXPECT_EQ(s.curl(one, post).output, "503");
  start(s, one, {"--interface", "127.0.0.2"});
  const auto refused = s.curl(one, {"-i", "-X", "POST"}).output;
  EXPECT_NE(refused.find("this client has 4 of 5 jobs, and the rest is reserved for others"),
            std::string::npos)
      << refused;
  EXPECT_NE(refused.find("Retry-After: "), std::string::npos);
  EXPECT_EQ(s.metric(R"(hangup_jobs_refused_total{reason="share"})"), 1);
}

TEST(detached, sigterm_waits_for_a_short_job_and_ends_a_long_one_when_the_drain_is_over) {
  const shop_with_jobs f(json::object(), 8);
  server s({"--config", f.config()});
  const auto endless = start(s, hopeless);
  ASSERT_TRUE(becomes(s, endless, "running"));
  // A second or two, in which SQLite allocates a lot: TSan makes ten of one.
  const std::string steps = tsan ? "150000" : "1500000";
  const auto brief = start(s, "/query/sqlite?report=crunch&n=" + steps + "&detach=1");
  const auto began = std::chrono::steady_clock::now();
  s.program.signal(SIGTERM);
  ASSERT_NE(s.program.line_with("waiting for "), "");
  EXPECT_EQ(s.program.wait(), 0);
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GT(took, 7s) << "the long one has had its time";
  EXPECT_LT(took, 13s);
  const auto all = s.program.output();
  const auto done = all.find("job " + brief.substr(6) + " done, 1 rows, ");
  ASSERT_NE(done, std::string::npos) << all;
  EXPECT_GT(done, all.find("waiting for ")) << all;
  const auto ends = s.program.line_with("job " + endless.substr(6) + " canceled: server shutdown");
  EXPECT_NE(ends.find(", stopped in "), std::string::npos) << all;
  EXPECT_NE(s.program.line_with(" info stopped"), "");
}

TEST(detached, sigterm_does_not_wait_when_the_jobs_are_done_and_a_second_one_ends_them_at_once) {
  const shop_with_jobs f;
  {
    server s({"--config", f.config()});
    ASSERT_TRUE(becomes(s, start(s, "/query/sqlite?report=customer&id=7&detach=1"), "done"));
    s.program.signal(SIGTERM);
    EXPECT_EQ(s.program.wait(8s), 0) << "a drain would have taken ten seconds";
  }
  server s({"--config", f.config()});
  const auto job = start(s, hopeless);
  s.program.signal(SIGTERM);
  ASSERT_NE(s.program.line_with("waiting for 1 job"), "");
  s.program.signal(SIGTERM);
  EXPECT_EQ(s.program.wait(8s), 0);
  EXPECT_NE(s.program.line_with("job " + job.substr(6) + " canceled: server shutdown"), "");
}

TEST(detached, a_configuration_that_cannot_be_is_one_line_and_exit_code_2) {
  const shop_with_jobs f({{"max_result_bytes", 1000}, {"max_total_bytes", 999}});
  const auto r = run({HANGUP_BINARY, "--port", "0", "--config", f.config()});
  EXPECT_EQ(r.exit, 2);
  EXPECT_EQ(r.output, f.config() +
                          ": jobs.max_total_bytes: found 999, allowed from jobs.max_result_bytes "
                          "on, which is 1000\n");
}

}  // namespace
}  // namespace hangup::system_test
