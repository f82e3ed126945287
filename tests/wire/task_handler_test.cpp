// Handlers that are tasks: they hold no thread while they wait, and end as all others do.
#include <gtest/gtest.h>

#include <latch>
#include <random>
#include <stdexcept>
#include <system_error>

#include "hangup/context/event.h"
#include "hangup/context/late.h"
#include "tests/wire/tls_fixture.h"
#include "tests/wire/with_tasks.h"

namespace hangup::wire {
namespace {

using tasks_of = loop;

// Sleeps for a moment, and answers.
void add_soon(live_server& s, tasks_of& tasks) {
  s.server.handle({.method = "GET",
                   .path = "/task/soon",
                   .on_loop = &tasks,
                   .answer = [](context ctx, http::request& req, http::reply& res) -> task<> {
                     const std::error_code ec = co_await sleep_for(ctx, 1ms);
                     if (!ec) {
                       res.body("text/plain", "soon " + std::string(req.target()));
                     }
                   }});
}

TEST(a_task_handler, answers_and_its_connection_is_kept) {
  with_tasks s(add_soon);
  client c = s->connect();
  for (int i = 0; i < 3; ++i) {
    const auto a = c.ask(get("/task/soon?n=1", "X-Request-Id: mine\r\n"));
    EXPECT_EQ(a.status, 200);
    EXPECT_EQ(a.body, "soon /task/soon?n=1");
    EXPECT_EQ(a.header("content-type"), "text/plain");
    EXPECT_EQ(a.header("x-request-id"), "mine");
  }
  EXPECT_EQ(s->seen.nth(2).end, request_end::completed);
  EXPECT_TRUE(s->seen.nth(2).started);
  EXPECT_TRUE(eventually([&] { return s.tasks.now().tasks == 0; }));
}

TEST(a_task_handler, answers_pipelined_requests_in_their_order) {
  with_tasks s(add_soon);
  client c = s->connect();
  std::string all;
  for (int i = 0; i < 40; ++i) {
    all += get("/task/soon?" + std::to_string(i)) + get("/query?" + std::to_string(i) + "=");
  }
  ASSERT_TRUE(c.send(all));
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(c.receive().body, "soon /task/soon?" + std::to_string(i));
    EXPECT_EQ(c.receive().body.find(std::to_string(i) + "="), 0U);
  }
}

// Waits, then holds its thread, each until it is told to go on.
TEST(a_task_handler, is_shown_as_waiting_while_it_holds_no_thread) {
  event go_on;
  std::latch let_go(1);
  with_tasks s([&](live_server& to, tasks_of& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .answer = [&](context ctx, http::request&, http::reply& res) -> task<> {
                        to.at.tell("waits");
                        static_cast<void>(co_await go_on.wait(ctx));
                        to.at.tell("runs");
                        let_go.wait();
                        res.status(204);
                      }});
  });
  const auto is = [&](http::request_state state, http::phase as) {
    const auto all = s->server.in_flight();
    return all.size() == 1 && all.front().state == state && s->connections(as) == 1;
  };
  client c = s->connect();
  ASSERT_TRUE(c.send(get("/task")));
  ASSERT_TRUE(s->at.await("waits"));
  EXPECT_TRUE(eventually([&] { return is(http::request_state::waiting, http::phase::waiting); }));
  go_on.set();
  EXPECT_TRUE(s->at.await("runs"));
  EXPECT_TRUE(is(http::request_state::running, http::phase::running));
  let_go.count_down();
  EXPECT_EQ(c.receive().status, 204);
}

TEST(a_task_handler, that_never_waits_answers_as_well) {
  with_tasks s([](live_server& to, tasks_of& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .answer = [](const context&, http::request&, http::reply& res) -> task<> {
                        res.status(204);
                        co_return;
                      }});
  });
  client c = s->connect();
  EXPECT_EQ(c.ask(get("/task")).status, 204);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
}

TEST(a_task_handler, has_its_context_ended_when_the_client_leaves) {
  with_tasks s([](live_server& to, tasks_of& tasks) { add_waiting(to, tasks); });
  for (const bool reset : {false, true}) {
    client c = s->connect();
    ASSERT_TRUE(c.send(get("/task/wait") + get("/fast"))) << "something that nobody reads";
    ASSERT_TRUE(s->at.await("/task/wait", reset ? 2 : 1));
    reset ? c.reset() : c.close();
    const auto r = s->seen.nth(reset ? 1 : 0);
    EXPECT_EQ(r.end, reset ? request_end::client_reset : request_end::client_closed);
    EXPECT_EQ(r.status, 499);
    EXPECT_TRUE(r.started);
    EXPECT_TRUE(r.work_stopped);
  }
  EXPECT_TRUE(s->await_no_connections());
  EXPECT_TRUE(eventually([&] { return s.tasks.now().tasks == 0; }));
}

TEST(a_thousand_task_handlers, wait_on_two_threads_and_all_end_when_their_clients_leave) {
  constexpr int many = sanitized ? 200 : 1000;
  with_tasks s([](live_server& to, tasks_of& tasks) { add_waiting(to, tasks); });
  {
    client first = s->connect();  // all threads that there will be have been started
    ASSERT_TRUE(first.send(get("/task/wait")));
    ASSERT_TRUE(s->at.await("/task/wait"));
  }
  ASSERT_TRUE(s->await_no_connections());
  const auto before = threads();
  std::vector<client> clients;
  for (int i = 0; i < many; ++i) {
    clients.push_back(s->connect());
    ASSERT_TRUE(clients.back().send(get("/task/wait")));
  }
  ASSERT_TRUE(s->at.await("/task/wait", many + 1));
  EXPECT_EQ(threads(), before);
  EXPECT_EQ(s->server.in_flight_count(), static_cast<std::size_t>(many));
  client other = s->connect();
  EXPECT_EQ(other.ask(get("/fast")).status, 200);
  clients.clear();
  ASSERT_TRUE(s->seen.await_ended(many + 2));
  EXPECT_EQ(s->seen.count(request_end::client_closed), static_cast<std::size_t>(many) + 1);
  EXPECT_TRUE(eventually([&] { return s.tasks.now().tasks == 0; }));
}

TEST(a_task_handler, whose_client_leaves_before_it_begins_is_never_started) {
  latch gate;
  with_tasks s(
      [&gate](live_server& to, tasks_of& tasks) {
        to.server.handle({.method = "GET",
                          .path = "/task/blocks",
                          .on_loop = &tasks,
                          .answer = [&](const context&, http::request&, http::reply&) -> task<> {
                            to.at.tell("blocks");
                            gate.wait();  // a task must not do that
                            co_return;
                          }});
        add_waiting(to, tasks);
      },
      {}, {.name = "one", .threads = 1});
  client blocks = s->connect();
  ASSERT_TRUE(blocks.send(get("/task/blocks")));
  ASSERT_TRUE(s->at.await("blocks"));
  {
    client leaves = s->connect();
    ASSERT_TRUE(leaves.send(get("/task/wait")));
    ASSERT_TRUE(s->seen.await_began(2));
  }
  EXPECT_TRUE(eventually([&] {
    const auto all = s->server.in_flight();
    // Or it had left before the task was spawned.
    return s->seen.has_ended("/task/wait") ||
           std::any_of(all.begin(), all.end(), [](const auto& r) { return !r.cause.empty(); });
  })) << "the end was heard although the thread of the loop is held";
  gate.open();
  const auto r = s->seen.of("/task/wait");
  EXPECT_EQ(r.end, request_end::client_closed);
  EXPECT_FALSE(r.started);
  EXPECT_EQ(s->at.count("/task/wait"), 0);
}

TEST(a_task_handler, whose_deadline_passes_is_a_504_and_the_connection_is_good_for_more) {
  with_tasks s([](live_server& to, tasks_of& tasks) { add_waiting(to, tasks, "/task", 20ms); });
  client c = s->connect();
  const auto a = c.ask(get("/task"));
  EXPECT_EQ(a.status, 504);
  EXPECT_EQ(a.header("content-type"), "application/problem+json");
  EXPECT_EQ(s->seen.nth(0).end, request_end::deadline);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
}

TEST(a_task_handler, may_answer_after_the_end_of_its_context) {
  with_tasks s([](live_server& to, tasks_of& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .deadline = 1000ms,
                      .answer = [](context ctx, http::request&, http::reply& res) -> task<> {
                        co_await wait_done(ctx);
                        res.body("text/plain", "late");
                      }});
  });
  client c = s->connect();
  EXPECT_EQ(c.ask(get("/task")).body, "late");
}

// A client that has closed its own direction may read what the handler answers all the same.
TEST(a_task_handler, may_answer_a_client_that_has_closed_its_own_direction) {
  const std::string large(3'000'000, 'x');
  with_tasks s([&large](live_server& to, tasks_of& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .answer = [&](context ctx, http::request&, http::reply& res) -> task<> {
                        to.at.tell("begun");
                        co_await wait_done(ctx);
                        res.body("text/plain", large);
                      }});
  });
  client c = s->connect(4096);
  ASSERT_TRUE(c.send(get("/task")));
  ASSERT_TRUE(s->at.await("begun"));
  c.shutdown_write();
  EXPECT_EQ(c.receive().body, large);
}

TEST(a_task_handler, may_throw_as_every_handler_does) {
  with_tasks s([](live_server& to, tasks_of& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .deadline = 60s,
                      .answer = [](context ctx, http::request& req, http::reply& res) -> task<> {
                        res.body("text/plain", "half of it");
                        const std::string how(req.parameter("how").value_or(""));
                        if (how != "at once") {
                          co_await sleep_for(ctx, 1ms);
                        }
                        if (how == "problem") {
                          throw http::problem_error(404, "no such row");
                        }
                        if (how == "busy") {
                          throw http::problem_error(503, "the database is busy");
                        }
                        if (how == "another") {
                          with_timeout(background(), 0s).ctx.throw_if_done();
                        }
                        if (how == "int") {
                          throw 42;
                        }
                        throw std::runtime_error("a secret of the handler");
                      }});
  });
  client c = s->connect();
  for (const auto& [how, status] :
       {std::pair("problem", 404), std::pair("busy", 503), std::pair("another", 500),
        std::pair("int", 500), std::pair("", 500), std::pair("at%20once", 500)}) {
    const auto a = c.ask(get(std::string("/task?how=") + how));
    EXPECT_EQ(a.status, status) << how;
    EXPECT_EQ(a.body.find("secret"), std::string::npos);
    EXPECT_EQ(a.header("retry-after"), status == 503 ? "1" : "") << how;
  }
  EXPECT_NE(s->seen.nth(0).broken.find("no such row"), std::string::npos);
  EXPECT_NE(s->seen.nth(4).broken.find("secret"), std::string::npos);
}

TEST(a_task_handler, whose_context_ends_may_throw_that_and_it_is_no_failure) {
  with_tasks s([](live_server& to, tasks_of& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .deadline = 20ms,
                      .answer = [](context ctx, http::request&, http::reply& res) -> task<> {
                        res.body("text/plain", "half of it");
                        co_await wait_done(ctx);
                        ctx.throw_if_done();
                      }});
  });
  client c = s->connect();
  EXPECT_EQ(c.ask(get("/task")).status, 504);
  EXPECT_TRUE(s->seen.nth(0).broken.empty());
}

TEST(a_drain, waits_for_task_handlers_and_ends_those_that_wait_on) {
  with_tasks s([](live_server& to, tasks_of& tasks) {
    add_waiting(to, tasks);
    to.server.handle({.method = "GET",
                      .path = "/task/until",
                      .on_loop = &tasks,
                      .answer = [&to](context ctx, http::request&, http::reply& res) -> task<> {
                        to.at.tell("until");
                        while (!to.server.draining()) {
                          if (co_await sleep_for(ctx, 1ms)) {
                            co_return;
                          }
                        }
                        res.body("text/plain", "finished");
                      }});
  });
  client waits = s->connect();
  client finishes = s->connect();
  ASSERT_TRUE(waits.send(get("/task/wait")));
  ASSERT_TRUE(finishes.send(get("/task/until")));
  ASSERT_TRUE(s->at.await("/task/wait"));
  ASSERT_TRUE(s->at.await("until"));
  const auto [soon, cancel] = with_cancel(background());
  std::thread drains([&s, &soon = soon] { EXPECT_FALSE(s->server.drain(soon, patience)); });
  const auto a = finishes.receive();
  EXPECT_EQ(a.body, "finished");
  EXPECT_EQ(a.header("connection"), "close");
  EXPECT_FALSE(s->seen.has_ended("/task/wait"));
  cancel();
  const auto b = waits.receive();
  drains.join();
  EXPECT_EQ(b.status, 503);
  EXPECT_EQ(s->seen.of("/task/wait").end, request_end::shutdown);
}

TEST(a_task_handler, that_goes_on_after_its_end_is_reported_as_late_and_again_when_it_stops) {
  const auto gate = with_cancel(background());
  setup how;
  how.how.late_after = 10ms;
  with_tasks s(
      [&gate](live_server& to, tasks_of& tasks) {
        to.server.handle({.method = "GET",
                          .path = "/task",
                          .on_loop = &tasks,
                          .answer = [&](const context&, http::request&, http::reply&) -> task<> {
                            to.at.tell("begun");
                            co_await wait_done(gate.ctx);
                          }});
      },
      how);
  {
    client c = s->connect();
    ASSERT_TRUE(c.send(get("/task")));
    ASSERT_TRUE(s->at.await("begun"));
  }
  ASSERT_TRUE(s->seen.await_late(1));
  EXPECT_TRUE(s->server.in_flight().at(0).late);
  gate.cancel();
  ASSERT_TRUE(s->seen.await_late(2));
  EXPECT_FALSE(s->seen.late_stops().at(0).over);
  EXPECT_TRUE(s->seen.late_stops().at(1).over);
  EXPECT_EQ(s->seen.of("/task").end, request_end::client_closed);
}

TEST(a_task_handler, gets_its_whole_body_however_slowly_it_comes) {
  with_tasks s([](live_server& to, tasks_of& tasks) {
    to.server.handle({.method = "POST",
                      .path = "/task",
                      .on_loop = &tasks,
                      .answer = [](context ctx, http::request& req, http::reply& res) -> task<> {
                        co_await sleep_for(ctx, 1ms);
                        res.body("text/plain", std::string(req.body()));
                      }});
  });
  client c = s->connect();
  EXPECT_EQ(c.ask(post("/task", "small")).body, "small");
  std::string large(300'000, 'a');
  large.back() = 'z';
  const auto text = post("/task", large);
  for (std::size_t at = 0; at < text.size(); at += 50'000) {
    ASSERT_TRUE(c.send(std::string_view(text).substr(at, 50'000)));
  }
  EXPECT_EQ(c.receive().body, large);
  static_cast<void>(
      c.send(post("/task", std::string(9'000'000, 'a'))));  // it is refused before its end
  EXPECT_EQ(c.receive().status, 413);
}

TEST(a_task_handler, whose_body_does_not_come_is_a_408_and_whose_client_leaves_ends) {
  setup how;
  how.how.body_timeout = 50ms;
  with_tasks s(
      [](live_server& to, tasks_of& tasks) {
        to.server.handle({.method = "POST",
                          .path = "/task",
                          .on_loop = &tasks,
                          .answer = [&](const context&, http::request&, http::reply&) -> task<> {
                            to.at.tell("begun");
                            co_return;
                          }});
      },
      how);
  client slow = s->connect();
  ASSERT_TRUE(slow.send(part_of_body("/task", 200'000, 100'000)));
  EXPECT_EQ(slow.receive().status, 408);
  EXPECT_TRUE(s->seen.await_reached(http::limit::body_time));
  {
    client leaves = s->connect();
    ASSERT_TRUE(leaves.send(part_of_body("/task", 200'000, 100'000)));
    ASSERT_TRUE(s->seen.await_began(2));
  }
  const auto r = s->seen.nth(1);
  EXPECT_TRUE(client_left(r.end) || r.status == 408) << r;
  EXPECT_EQ(s->at.count("begun"), 0);
}

TEST(a_task_handler, sends_a_large_answer_as_its_client_reads_it) {
  const std::string large(20'000'000, 'x');  // more than may be kept of an answer on the spot
  with_tasks s([&large](live_server& to, tasks_of& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .answer = [&](const context&, http::request&, http::reply& res) -> task<> {
                        res.body("text/plain", large);
                        co_return;
                      }});
    add_soon(to, tasks);
  });
  client c = s->connect(4096);
  ASSERT_TRUE(c.send(get("/task") + get("/task/soon")));
  client other = s->connect();
  EXPECT_EQ(other.ask(get("/task/soon")).status, 200) << "while the first one does not read";
  EXPECT_EQ(c.receive().body, large);
  EXPECT_EQ(c.receive().status, 200);
}

TEST(a_task_handler, may_defer_its_answer) {
  with_tasks s([](live_server& to, tasks_of& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .answer = [&](context ctx, http::request&, http::reply& res) -> task<> {
                        co_await sleep_for(ctx, 1ms);
                        const auto later = res.defer();
                        EXPECT_FALSE(spawn(tasks, later.ctx(), [later](context of) -> task<> {
                          co_await sleep_for(of, 1ms);
                          EXPECT_FALSE(
                              later.send([](http::reply& r) { r.body("text/plain", "later"); }));
                        }));
                      }});
  });
  client c = s->connect();
  EXPECT_EQ(c.ask(get("/task")).body, "later");
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
}

TEST(a_task_handler, cannot_hand_over_a_producer_that_would_block_its_loop) {
  with_tasks s([](live_server& to, tasks_of& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .answer = [](const context&, http::request&, http::reply& res) -> task<> {
                        res.stream("text/plain", [](const context&, http::body_writer&) {
                          return std::error_code();
                        });
                        co_return;
                      }});
  });
  client c = s->connect();
  EXPECT_EQ(c.ask(get("/task")).status, 500);
}

TEST(a_task_handler, beyond_what_its_loop_may_have_is_refused_at_once) {
  with_tasks s([](live_server& to, tasks_of& tasks) { add_waiting(to, tasks); }, {},
               {.name = "small", .threads = 1, .max_tasks = 2});
  std::vector<client> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(s->connect());
    ASSERT_TRUE(clients.back().send(get("/task/wait")));
  }
  ASSERT_TRUE(s->at.await("/task/wait", 2));
  client c = s->connect();
  const auto a = c.ask(get("/task/wait"));
  EXPECT_EQ(a.status, 503);
  EXPECT_EQ(a.header("retry-after"), "1");
  EXPECT_TRUE(s->seen.await_reached(http::limit::in_flight));
  EXPECT_EQ(c.ask(get("/fast")).status, 200) << "the connection is kept";
}

TEST(a_task_handler, and_its_loop_come_together_or_the_server_refuses_the_route) {
  loop tasks({.name = "tasks"});
  pool workers({.name = "workers"});
  http::server server;
  const auto a_task = [](const context&, http::request&, http::reply&) -> task<> { co_return; };
  const auto no_task = [](const context&, const http::request&, http::reply&) {};
  EXPECT_THROW(server.handle({.method = "GET", .path = "/a", .answer = a_task}),
               std::invalid_argument);
  EXPECT_THROW(server.handle({.method = "GET", .path = "/b", .on_loop = &tasks, .answer = no_task}),
               std::invalid_argument);
  EXPECT_THROW(server.handle({.method = "GET",
                              .path = "/c",
                              .runs_on = &workers,
                              .on_loop = &tasks,
                              .answer = a_task}),
               std::invalid_argument);
  server.handle({.method = "GET", .path = "/d", .on_loop = &tasks, .answer = a_task});
}

TEST(a_task_handler_over_tls, answers_and_ends_when_its_client_leaves) {
  with_tasks s(
      [](live_server& to, tasks_of& tasks) {
        add_waiting(to, tasks);
        add_soon(to, tasks);
      },
      over_tls());
  auto c = shaken(*s);
  EXPECT_EQ(c.ask(get("/task/soon")).status, 200);
  EXPECT_EQ(c.ask(get("/task/soon")).status, 200);
  ASSERT_TRUE(c.send(get("/task/wait")));
  ASSERT_TRUE(s->at.await("/task/wait"));
  c.close_notify();
  EXPECT_EQ(s->seen.of("/task/wait").end, request_end::client_closed);
}

// Answers, hang-ups and deadlines at random moments: each request ends once, and nothing is used
// after its end.
TEST(task_handlers, in_a_storm_of_hang_ups_each_request_ends_once) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  with_tasks s([](live_server& to, tasks_of& tasks) {
    to.server.handle({.method = "GET",
                      .path = "/task",
                      .on_loop = &tasks,
                      .deadline = 20ms,
                      .answer = [](context ctx, http::request& req, http::reply& res) -> task<> {
                        const int n = std::stoi(std::string(req.parameter("n").value_or("0")));
                        if (co_await sleep_for(ctx, std::chrono::microseconds(n * 100))) {
                          co_return;
                        }
                        if (n % 2 == 0) {
                          res.body("text/plain", "an answer");
                          co_return;
                        }
                        res.stream("text/plain");
                        for (int i = 0; i < n; ++i) {
                          if (co_await res.write(ctx, std::string(10'000, 'x'))) {
                            co_return;
                          }
                        }
                      }});
  });
  std::vector<std::thread> asking;
  for (unsigned n = 0; n < 4; ++n) {
    asking.emplace_back([&, n] {
      std::mt19937 random(seed + n);
      for (int i = 0; i < rounds(200); ++i) {
        client c = s->connect();
        static_cast<void>(c.send(get("/task?n=" + std::to_string(random() % 300))));
        const auto how = random() % 4;
        if (how == 0) {
          c.reset();
        } else if (how == 1) {
          c.close();
        } else if (how == 2) {
          static_cast<void>(c.readable(1ms));
          c.reset();
        } else {
          static_cast<void>(c.receive());
        }
      }
    });
  }
  for (auto& t : asking) {
    t.join();
  }
  EXPECT_TRUE(s->await_all_gone());
  EXPECT_TRUE(eventually([&] { return s.tasks.now().tasks == 0; }));
}

}  // namespace
}  // namespace hangup::wire
