// Jobs over a socket: the request that starts one is answered and over, and what its client does
// then is nothing to the job.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "handlers/jobs/routes.h"
#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

using nlohmann::json;

// A server with the routes of jobs, and POST /start, which starts one that waits at `gate`, also
// when its context has ended if `deaf` is asked for.
class with_jobs {
 public:
  explicit with_jobs(jobs::options how = {}, setup more = {})
      : store(std::move(how)), server(with(std::move(more))) {}
  ~with_jobs() { gate.open(); }
  with_jobs(const with_jobs&) = delete;
  with_jobs& operator=(const with_jobs&) = delete;

  // 202; the path of the job.
  std::string start(client& c, const std::string& query = "") {
    const auto a = c.ask(post("/start" + query, ""));
    EXPECT_EQ(a.status, 202) << a.body;
    const auto j = json::parse(a.body, nullptr, false);
    EXPECT_EQ(a.header("location"), "/jobs/" + j.value("id", ""));
    return a.header("location");
  }
  json look(const std::string& path) {
    client c = server.connect();
    return json::parse(c.ask(get(path)).body, nullptr, false);
  }
  bool becomes(const std::string& path, const std::string& state) {
    return eventually([&] { return look(path).value("state", "") == state; });
  }

  latch gate;
  signals at;
  pool workers{{.name = "jobs", .workers = 2, .queue = 2}};
  jobs::store store;
  loop tasks{{.name = "tasks", .threads = 1}};
  live_server server;

 private:
  setup with(setup more) {
    more.more.push_back([this](live_server& s) {
      jobs::add_routes(s.server, store, {tasks}, {s.many});
      s.server.handle(
          {.method = "POST",
           .path = "/start",
           .runs_on = &s.many,
           .deadline = 100ms,
           .answer = [this](const context& ctx, const http::request& req, http::reply& res) {
             const bool waits = !req.has_parameter("deaf");
             const auto size = std::stoul(std::string(req.parameter("size").value_or("4")));
             jobs::accept(ctx, res, store, workers,
                          {"the job", "text/plain",
                           [=, this](const context& c, jobs::result& to, std::string&) {
                             at.tell("begun");
                             if (waits) {
                               if (const std::error_code ec = wait_done(c)) {
                                 at.tell("stopped");
                                 return ec;
                               }
                             }
                             gate.wait();
                             return to.write(std::string(size, 'j'));
                           }});
           }});
    });
    return more;
  }
};

TEST(job, goes_on_when_its_client_hangs_up_and_when_the_deadline_of_its_request_has_passed) {
  for (const bool reset : {false, true}) {
    with_jobs w;
    client c = w.server.connect();
    const auto path = w.start(c, "?deaf=1");
    ASSERT_TRUE(w.at.await("begun"));
    reset ? c.reset() : c.close();
    ASSERT_TRUE(w.server.await_no_connections());
    EXPECT_EQ(w.look(path)["state"], "running");
    std::this_thread::sleep_for(150ms);  // beyond the deadline of the request
    EXPECT_EQ(w.look(path)["cause"], nullptr);
    w.gate.open();
    ASSERT_TRUE(w.becomes(path, "done"));
    client other = w.server.connect();
    const auto a = other.ask(get(path + "/result"));
    EXPECT_EQ(a.status, 200);
    EXPECT_EQ(a.header("content-type"), "text/plain");
    EXPECT_EQ(a.body, "jjjj");
    EXPECT_EQ(w.server.seen.nth(0).end, request_end::completed);
  }
}

TEST(job, has_no_result_before_it_is_done_nor_when_it_was_stopped_nor_when_it_is_forgotten) {
  with_jobs w;
  client c = w.server.connect();
  const auto path = w.start(c);
  const auto running = c.ask(get(path + "/result"));
  EXPECT_EQ(running.status, 409);
  EXPECT_EQ(running.header("retry-after"), "1");
  ASSERT_TRUE(w.at.await("begun"));
  const auto del = "DELETE " + path + " HTTP/1.1\r\nHost: test\r\nX-Request-Id: del-1\r\n\r\n";
  const auto first = c.ask(del).status;
  EXPECT_TRUE(first == 202 || first == 200) << "stopping, or stopped by now: " << first;
  ASSERT_TRUE(w.at.await("stopped"));
  ASSERT_TRUE(w.becomes(path, "canceled"));
  const auto stopped = c.ask(get(path + "/result"));
  EXPECT_EQ(stopped.status, 410);
  EXPECT_NE(stopped.body.find("the job is canceled: canceled: DELETE, request del-1"),
            std::string::npos)
      << stopped.body;
  EXPECT_EQ(stopped.header("retry-after"), "");
  const auto again = c.ask(del);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json::parse(again.body)["forgotten"], true);
  for (const auto& gone : {get(path), get(path + "/result"), del}) {
    EXPECT_EQ(c.ask(gone).status, 404) << gone;
  }
}

TEST(job, is_in_the_list_and_the_list_has_a_limit) {
  with_jobs w;
  client c = w.server.connect();
  EXPECT_EQ(w.look("/jobs")["jobs"], json::array());
  const auto first = w.start(c, "?deaf=1");
  const auto second = w.start(c, "?deaf=1");
  const auto all = w.look("/jobs")["jobs"];
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ("/jobs/" + all[0]["id"].get<std::string>(), second) << "the newest first";
  EXPECT_EQ(w.look("/jobs?limit=1")["jobs"].size(), 1U);
  EXPECT_EQ(c.ask(get("/jobs?limit=0")).status, 400);
  EXPECT_EQ(c.ask(get("/jobs?limit=x")).status, 400);
}

TEST(job, is_refused_with_503_when_there_is_no_place_for_it) {
  jobs::options how;
  how.jobs = 3;
  with_jobs w(std::move(how));
  client c = w.server.connect();
  w.start(c);
  w.start(c);
  const auto queued = w.start(c);
  const auto refused = c.ask(post("/start", ""));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("location"), "");
  EXPECT_NE(refused.header("retry-after"), "");
  EXPECT_NE(refused.body.find("there are 3 jobs, which is the limit"), std::string::npos);
  EXPECT_EQ(c.ask("DELETE " + queued + " HTTP/1.1\r\nHost: test\r\n\r\n").status, 200)
      << "it waited, so it is over at once";
}

TEST(job, has_a_result_that_can_be_waited_for_without_a_thread) {
  with_jobs w;
  client c = w.server.connect();
  const auto path = w.start(c, "?deaf=1");
  ASSERT_TRUE(w.at.await("begun"));
  std::vector<client> all;
  for (int i = 0; i < 50; ++i) {
    all.push_back(w.server.connect());
    ASSERT_TRUE(all.back().send(get(path + "/result?wait=1")));
  }
  EXPECT_TRUE(eventually([&] { return w.server.connections(http::phase::waiting) == 50; }));
  EXPECT_EQ(w.server.busy(), 0U);
  all.pop_back();  // it leaves
  EXPECT_TRUE(eventually([&] { return w.server.seen.count(request_end::client_closed) == 1; }));
  w.gate.open();
  for (auto& one : all) {
    const auto a = one.receive();
    EXPECT_EQ(a.status, 200);
    EXPECT_EQ(a.body, "jjjj");
  }
  EXPECT_EQ(c.ask(get(path + "/result?wait=1")).body, "jjjj") << "it is there already";
  EXPECT_EQ(c.ask(get(path + "/result?wait=2")).status, 400);
  EXPECT_EQ(c.ask(get("/jobs/none/result?wait=1")).status, 404);
}

TEST(job, that_is_stopped_or_forgotten_is_not_waited_for_any_more) {
  with_jobs w;
  client c = w.server.connect();
  const auto path = w.start(c);
  client waits = w.server.connect();
  ASSERT_TRUE(waits.send(get(path + "/result?wait=1")));
  EXPECT_TRUE(eventually([&] { return w.server.connections(http::phase::waiting) == 1; }));
  c.ask("DELETE " + path + " HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(waits.receive().status, 410);
}

TEST(job, has_a_result_that_is_sent_whole_and_no_faster_than_it_is_read) {
  with_jobs w;
  w.gate.open();
  client c = w.server.connect();
  const auto path = w.start(c, "?deaf=1&size=8000000");
  ASSERT_TRUE(w.becomes(path, "done"));
  client slow = w.server.connect(4096);
  ASSERT_TRUE(slow.send(get(path + "/result")));
  ASSERT_TRUE(slow.receive_bytes(1));
  EXPECT_EQ(c.ask("DELETE " + path + " HTTP/1.1\r\nHost: test\r\n\r\n").status, 200)
      << "forgotten under the reader";
  const auto a = slow.receive();
  EXPECT_TRUE(a.whole);
  EXPECT_EQ(a.body.size(), 8'000'000U);
  EXPECT_TRUE(eventually([&] { return w.store.now().bytes == 0; }));
}

}  // namespace
}  // namespace hangup::wire
