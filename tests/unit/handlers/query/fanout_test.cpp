// /fanout over databases that do what they are told: order, the first failure, hang-ups, limits.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <random>
#include <thread>

#include "hangup/context/wait.h"
#include "hangup/context/with_task_group.h"
#include "hangup/http/causes.h"
#include "tests/unit/handlers/query/fanout_support.h"

namespace hangup::query {
namespace {

constexpr auto long_time = 20s;

std::string row_of(int part, std::int64_t x) {
  return "{\"part\":" + std::to_string(part) + ",\"x\":" + std::to_string(x) + "}\n";
}

TEST(fanout, rows_come_in_the_order_of_the_parts_although_the_last_is_done_first) {
  std::latch others(3);
  script s;
  s.rows = [&](const context& ctx, std::int64_t part, row_sink& to, std::string&) {
    if (part == 0) {
      others.wait();
    }
    const auto ec = few_rows(ctx, to, 10 * part, 2);
    if (part > 0) {
      others.count_down();
    }
    return ec;
  };
  fanned f(s);
  const auto a = f.ask(background(), {{"parts", "4"}});
  std::string expected;
  for (int part = 0; part < 4; ++part) {
    expected += row_of(part, 10 * part) + row_of(part, 10 * part + 1);
  }
  EXPECT_EQ(a.body, expected);
  EXPECT_TRUE(a.whole);
  EXPECT_EQ(f.ended(part_end::completed), 4U);
  EXPECT_EQ(f.sources[0]->ended(query_end::completed), 4U);
  EXPECT_EQ(f.fanout->running(), 0U);
}

TEST(fanout, parts_go_round_the_databases_that_have_the_report) {
  script s;
  s.rows = [](const context& ctx, std::int64_t part, row_sink& to, std::string&) {
    return few_rows(ctx, to, part, 1);
  };
  fanned f(s, {.report = "r"}, 3);
  EXPECT_TRUE(f.ask(background(), {{"parts", "8"}}).whole);
  EXPECT_EQ(f.sources[0]->ended(query_end::completed), 3U);
  EXPECT_EQ(f.sources[1]->ended(query_end::completed), 3U);
  EXPECT_EQ(f.sources[2]->ended(query_end::completed), 2U);
  EXPECT_TRUE(f.ask(background(), {{"parts", "8"}, {"database", "b"}, {"n", "3"}}).whole);
  EXPECT_EQ(f.sources[1]->ended(query_end::completed), 11U);
}

TEST(fanout, csv_has_one_line_of_names) {
  script s;
  s.rows = [](const context& ctx, std::int64_t part, row_sink& to, std::string&) {
    return few_rows(ctx, to, part, part == 1 ? 0 : 1);
  };
  fanned f(s);
  const auto a = f.ask(background(), {{"parts", "3"}}, "text/csv");
  EXPECT_EQ(a.body, "part,x\r\n0,0\r\n2,2\r\n");
  EXPECT_TRUE(a.whole);
}

TEST(fanout, a_part_with_other_columns_does_not_fit_into_csv) {
  script s;
  s.rows = [](const context& ctx, std::int64_t part, row_sink& to, std::string&) {
    const std::vector<std::string> names = {part == 1 ? "y" : "x"};
    return to.columns(ctx, names);
  };
  fanned f(s);
  const auto a = f.ask(background(), {{"parts", "2"}}, "text/csv");
  EXPECT_FALSE(a.whole);
  EXPECT_EQ(a.problem,
            "part 1 of 2: its columns are not those of part 0, and CSV has one line of names");
  EXPECT_TRUE(f.ask(background(), {{"parts", "2"}}).whole);
}

TEST(fanout, the_first_failure_ends_the_others_as_sibling_failed_and_is_a_502_with_its_part) {
  std::latch begun(4);
  std::mutex mutex;
  std::vector<cause> why_ended;
  script s;
  s.start = [&](const context& ctx, std::int64_t part, std::string& why) -> std::error_code {
    begun.arrive_and_wait();
    if (part == 2) {
      why = "no such table: moon";
      return errc::failed;
    }
    const std::error_code ec = wait_done(ctx);
    const std::lock_guard hold(mutex);
    why_ended.push_back(*ctx.cause());
    return ec;
  };
  fanned f(s);
  const auto a = f.ask(background(), {{"parts", "4"}});
  const std::string problem = "part 2 of 4: database \"a\": the database could not run the query";
  EXPECT_EQ(a.status, 502);
  EXPECT_EQ(a.problem, problem);
  ASSERT_EQ(why_ended.size(), 3U) << "all have stopped when the answer is given";
  for (const auto& c : why_ended) {
    EXPECT_EQ(c.kind, cause_kind::sibling_failed);
    EXPECT_EQ(c.text, problem);
  }
  EXPECT_EQ(f.in_use(), 0U);
  EXPECT_EQ(f.ended(part_end::failed), 1U);
  EXPECT_EQ(f.ended(part_end::sibling_failed), 3U);
  EXPECT_EQ(f.sources[0]->ended(query_end::failed), 1U);
  EXPECT_EQ(f.sources[0]->ended(query_end::stopped), 3U);
}

TEST(fanout, a_part_fails_on_demand_while_the_others_run_and_others_never_begin) {
  std::atomic<int> began{0};
  script s;
  s.start = [&](const context& ctx, std::int64_t part, std::string&) {
    EXPECT_NE(part, 5);
    ++began;
    return wait_done(ctx).get();
  };
  fanned f(s, {.report = "r", .parts_at_once = 2});
  const auto begin = context::clock::now();
  const auto a = f.ask(background(), {{"parts", "6"}, {"fail", "5"}, {"after_ms", "20"}});
  EXPECT_EQ(a.status, 502);
  EXPECT_EQ(a.problem, "part 5 of 6: failed after 20 ms, as the request asks for");
  EXPECT_GE(context::clock::now() - begin, 20ms);
  EXPECT_LE(began, 2);
  EXPECT_EQ(f.ended(part_end::failed), 1U);
  EXPECT_EQ(f.ended(part_end::sibling_failed), 5U);
  EXPECT_EQ(f.fanout->running(), 0U);
}

TEST(fanout, a_failure_before_all_have_begun_is_a_502_although_others_are_done) {
  std::latch done(1);
  script s;
  s.start = [&](const context&, std::int64_t part, std::string& why) -> std::error_code {
    if (part == 1) {
      done.wait();
      why = "it is dark";
      return errc::failed;
    }
    return {};
  };
  s.rows = [&](const context& ctx, std::int64_t, row_sink& to, std::string&) {
    const auto ec = few_rows(ctx, to, 0, 3);
    done.count_down();
    return ec;
  };
  fanned f(s);
  const auto a = f.ask(background(), {{"parts", "2"}});
  EXPECT_EQ(a.status, 502);
  EXPECT_EQ(a.body, "");
  EXPECT_EQ(a.problem, "part 1 of 2: database \"a\": the database could not run the query");
}

TEST(fanout, a_part_answers_as_its_database_alone_would) {
  const std::vector<std::pair<errc, int>> all = {{errc::unreachable, 503},
                                                 {errc::bad_argument, 400},
                                                 {errc::timed_out, 504},
                                                 {errc::failed, 502}};
  for (const auto& [ec, status] : all) {
    script s;
    s.start = [ec = ec](const context&, std::int64_t, std::string& why) -> std::error_code {
      why = "at db.example";
      return ec;
    };
    fanned f(s);
    const auto a = f.ask(background(), {{"parts", "1"}});
    EXPECT_EQ(a.status, status);
    EXPECT_EQ(a.problem.find("db.example") == std::string::npos,
              ec == errc::unreachable || ec == errc::failed)
        << a.problem;
  }
}

TEST(fanout, an_error_that_nobody_knows_has_failed_and_is_answered) {
  script s;
  s.start = [](const context&, std::int64_t, std::string&) {
    return std::make_error_code(std::errc::not_enough_memory);
  };
  fanned f(s);
  const auto a = f.ask(background(), {{"parts", "1"}});
  EXPECT_EQ(a.status, 502);
  EXPECT_EQ(f.sources[0]->ended(query_end::failed), 1U);
  EXPECT_EQ(f.sources[0]->ended(query_end::stopped), 0U);
}

TEST(fanout, a_busy_database_is_a_503_to_try_again) {
  script s;
  s.start = [](const context&, std::int64_t, std::string& why) -> std::error_code {
    why = "no connection came free";
    return errc::busy;
  };
  fanned f(s);
  const auto a = f.ask(background(), {{"parts", "1"}});
  EXPECT_EQ(a.status, 503);
  EXPECT_EQ(a.problem.substr(0, 26), "part 0 of 1: database \"a\":");
}

TEST(fanout, a_failure_after_the_head_breaks_the_body_off_with_a_last_line) {
  std::latch seen(1);
  script s;
  s.rows = [&](const context& ctx, std::int64_t part, row_sink& to,
               std::string& why) -> std::error_code {
    if (part == 0) {
      return few_rows(ctx, to, 7, 1);
    }
    seen.wait();
    why = "disk on fire";
    return errc::failed;
  };
  fanned f(s);
  const auto a = f.ask(background(), {{"parts", "2"}}, "", [&](const std::string& piece) {
    if (piece == row_of(0, 7)) {
      seen.count_down();
    }
    return true;
  });
  EXPECT_EQ(a.status, 200);
  EXPECT_FALSE(a.whole);
  EXPECT_EQ(a.body,
            row_of(0, 7) +
                "{\"error\":{\"title\":\"a part has failed\",\"detail\":\"part 1 of 2: database "
                "\\\"a\\\": the database could not run the query\"}}\n");
  EXPECT_EQ(a.problem, "part 1 of 2: database \"a\": the database could not run the query");
  EXPECT_EQ(f.ended(part_end::completed), 1U);
  EXPECT_EQ(f.ended(part_end::failed), 1U);
}

TEST(fanout, a_hang_up_before_the_head_ends_all_parts) {
  std::latch begun(4);
  std::atomic<int> closed{0};
  script s;
  s.start = [&](const context& ctx, std::int64_t, std::string&) {
    begun.count_down();
    const std::error_code ec = wait_done(ctx);
    closed += ctx.cause()->kind == http::causes::client_closed ? 1 : 0;
    return ec;
  };
  fanned f(s);
  const auto request = with_cancel(background());
  std::thread leaves([&] {
    begun.wait();
    request.cancel({.kind = http::causes::client_closed});
  });
  const auto a = f.ask(request.ctx, {{"parts", "4"}});
  leaves.join();
  EXPECT_EQ(a.status, 0);
  EXPECT_EQ(a.problem, "");
  EXPECT_EQ(closed, 4);
  EXPECT_EQ(f.in_use(), 0U);
  EXPECT_EQ(f.ended(part_end::stopped), 4U);
  EXPECT_EQ(f.sources[0]->ended(query_end::stopped), 4U);
}

// Rows without an end, of about a KiB.
std::error_code endless(const context& ctx, row_sink& to, std::atomic<std::int64_t>& made) {
  const std::string kib(1000, 'x');
  auto ec = to.columns(ctx, one_column);
  while (!ec) {
    const field f = std::string_view(kib);
    ec = to.row(ctx, {&f, 1});
    made += 1024;
  }
  return ec;
}

TEST(fanout, a_hang_up_in_the_middle_of_the_rows_ends_all_parts) {
  for (const bool by_context : {true, false}) {
    std::atomic<std::int64_t> made{0};
    script s;
    s.rows = [&](const context& ctx, std::int64_t, row_sink& to, std::string&) {
      return endless(ctx, to, made);
    };
    fanned f(s);
    const auto request = with_cancel(background());
    int pieces = 0;
    const auto a = f.ask(request.ctx, {{"parts", "3"}}, "", [&](const std::string&) {
      if (++pieces == 5 && by_context) {
        request.cancel({.kind = http::causes::client_reset});
      }
      return pieces < 5;
    });
    EXPECT_FALSE(a.whole);
    EXPECT_EQ(a.problem, "");
    EXPECT_EQ(f.in_use(), 0U);
    EXPECT_EQ(f.ended(part_end::stopped), 3U);
    EXPECT_EQ(f.fanout->running(), 0U);
  }
}

TEST(fanout, a_part_that_is_ahead_waits_instead_of_collecting) {
  constexpr std::int64_t most =
      5 * 16 * 1024;  // two pieces, one with the writer, one in the making
  constexpr std::int64_t all = 2'000'000;
  std::array<std::atomic<std::int64_t>, 3> made{};
  std::array<std::atomic<std::int64_t>, 3> taken{};
  std::atomic<std::int64_t> lead{0};
  script s;
  s.rows = [&](const context& ctx, std::int64_t part, row_sink& to, std::string&) {
    const std::string kib(1000, 'x');
    const auto p = static_cast<std::size_t>(part);
    auto ec = to.columns(ctx, one_column);
    while (!ec && made[p] < all) {
      const field f = std::string_view(kib);
      ec = to.row(ctx, {&f, 1});
      made[p] += 1000;
      const auto here = made[p] - taken[p];
      for (auto seen = lead.load(); seen < here && !lead.compare_exchange_weak(seen, here);) {
      }
    }
    return ec;
  };
  fanned f(s);
  const auto a = f.ask(background(), {{"parts", "3"}}, "", [&](const std::string& piece) {
    const auto p = static_cast<std::size_t>(piece.at(8) - '0');
    taken[p] += static_cast<std::int64_t>(piece.size());
    while (made[1] < 32 * 1024 || made[2] < 32 * 1024) {  // they do get ahead
      std::this_thread::yield();
    }
    return true;
  });
  EXPECT_TRUE(a.whole);
  EXPECT_GT(lead, 16 * 1024);
  EXPECT_LE(lead, most);
  EXPECT_GT(a.body.size(), 3U * all);
}

TEST(fanout, many_parts_in_few_places_are_served_in_order_and_never_more_at_once) {
  script s;
  s.rows = [](const context& ctx, std::int64_t part, row_sink& to, std::string&) {
    return few_rows(ctx, to, part, 3000);  // more than is kept
  };
  fanned f(s, {.report = "r", .max_parts = 40, .parts_at_once = 3});
  std::string expected;
  for (int part = 0; part < 40; ++part) {
    for (int i = 0; i < 3000; ++i) {
      expected += row_of(part, part + i);
    }
  }
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      const auto a = f.ask(background(), {{"parts", "40"}});
      EXPECT_TRUE(a.whole) << a.problem;
      EXPECT_TRUE(a.body == expected) << a.body.size();
    });
  }
  for (auto& c : clients) {
    c.join();
  }
  EXPECT_LE(f.engines[0]->most, 3U);
  EXPECT_EQ(f.ended(part_end::completed), 160U);
  EXPECT_EQ(f.fanout->running(), 0U);
}

TEST(fanout, without_a_place_a_request_is_told_503_in_time_and_with_one_it_is_served) {
  std::latch begun(2);
  std::promise<void> go;
  const auto gone = go.get_future().share();
  script s;
  s.rows = [&](const context& ctx, std::int64_t part, row_sink& to, std::string&) {
    begun.count_down();
    gone.wait();
    return few_rows(ctx, to, part, 1);
  };
  fanned f(s, {.report = "r", .parts_at_once = 2, .wait = 20ms});
  auto busy = std::async(std::launch::async, [&] {
    return f.ask(background(), {{"parts", "2"}}).whole;
  });
  begun.wait();
  const auto a = f.ask(background(), {{"parts", "1"}});
  EXPECT_EQ(a.status, 503);
  EXPECT_EQ(a.problem, "no part could begin within 20 ms: 2 are running, which is the limit");
  EXPECT_EQ(f.fanout->refused(), 1U);
  const auto left = with_timeout(background(), 5ms);
  EXPECT_EQ(f.ask(left.ctx, {{"parts", "1"}}).status, 0);
  EXPECT_EQ(f.fanout->refused(), 1U) << "who has left is not refused";
  EXPECT_EQ(f.fanout->running(), 2U);
  go.set_value();
  EXPECT_TRUE(busy.get());
  EXPECT_EQ(f.fanout->running(), 0U);
}

// Whoever asks for that must not be able to take the places of the others.
TEST(fanout, a_request_whose_only_part_is_set_to_fail_holds_no_place_until_then) {
  fanned f(script{}, {.report = "r", .parts_at_once = 1});
  const auto handler = f.fanout->handler();
  const fanned::parameters given = {{"parts", "1"}, {"fail", "0"}, {"after_ms", "3600000"}};
  http::request req("GET", test::target_with(given), {});
  http::reply res(background(), req);
  std::size_t held = 0;
  const auto both = [&](awaited_task_group& tasks) {
    tasks.go([&](const context& ctx) -> task<> { co_await handler.begin(ctx, req, res); });
    tasks.go([&](const context& ctx) -> task<std::error_code> {
      for (int i = 0; i < 100; ++i) {  // until the other one waits
        static_cast<void>(co_await yield(ctx));
      }
      held = f.fanout->running();
      co_return std::make_error_code(std::errc::interrupted);
    });
  };
  EXPECT_EQ(run_blocking(with_task_group(background(), both)), std::errc::interrupted);
  EXPECT_EQ(held, 0U);
}

std::string refused(fanned::parameters given) {
  script s;
  s.rows = [](const context& ctx, std::int64_t part, row_sink& to, std::string&) {
    return few_rows(ctx, to, part, 1);
  };
  fanned f(s, {.report = "r", .max_parts = 8}, 2);
  const auto a = f.ask(background(), std::move(given));
  return a.status == 200 ? "200" : std::to_string(a.status) + " " + a.problem;
}

TEST(fanout, what_cannot_be_asked_is_said_with_name_finding_and_range) {
  EXPECT_EQ(refused({}), "200");
  EXPECT_EQ(refused({{"parts", "8"}, {"report", "r"}, {"database", "b"}, {"n", "9"}}), "200");
  EXPECT_EQ(refused({{"parts", "9"}}),
            "400 parameter \"parts\": found \"9\", allowed a whole number 1..8");
  EXPECT_EQ(refused({{"parts", "0"}}),
            "400 parameter \"parts\": found \"0\", allowed a whole number 1..8");
  EXPECT_EQ(refused({{"parts", "1"}, {"parts", "2"}}),
            "400 parameter \"parts\": found 2 of it, allowed one");
  EXPECT_EQ(refused({{"parts", "3"}, {"fail", "3"}}),
            "400 parameter \"fail\": found \"3\", allowed a whole number 0..2");
  EXPECT_EQ(refused({{"after_ms", "x"}}),
            "400 parameter \"after_ms\": found \"x\", allowed a whole number 0..3600000");
  EXPECT_EQ(refused({{"part", "1"}}),
            "400 parameter \"part\": found one, allowed none: each part has its own number");
  EXPECT_EQ(refused({{"n", "10"}}),
            "400 parameter \"n\": found \"10\", allowed a whole number 0..9");
  EXPECT_EQ(refused({{"sql", "1"}}),
            "400 parameter \"sql\" is not one of the report \"r\", which has: part, parts, n");
  EXPECT_EQ(refused({{"database", "c"}}), "404 there is no database \"c\" here; there are: a, b");
  EXPECT_EQ(refused({{"report", "q"}}),
            "404 no database here has a report \"q\"; GET /query lists those that there are");
  EXPECT_EQ(refused({{"report", "q"}, {"database", "b"}}),
            "404 the database \"b\" has no report \"q\"; GET /query lists those that there are");
}

TEST(fanout, head_asks_nobody) {
  script s;
  s.start = [](const context&, std::int64_t, std::string&) -> std::error_code {
    ADD_FAILURE();
    return errc::failed;
  };
  fanned f(s);
  http::request req("HEAD", "/");
  http::reply res(background(), req);
  const auto handler = f.fanout->handler();
  run_blocking(handler.begin(background(), req, res));
  EXPECT_TRUE(res.is_streamed());
}

// Hang-ups, failures and whole answers at random moments, from many threads: each part is counted
// once, every place and every query is given back.
TEST(fanout, in_a_storm_of_hang_ups_and_failures_every_part_ends_once) {
  script s;
  s.start = [](const context& ctx, std::int64_t part, std::string& why) -> std::error_code {
    thread_local std::mt19937 random(std::random_device{}());
    if (const std::error_code ec = sleep_for(ctx, std::chrono::microseconds(random() % 300))) {
      return ec;
    }
    why = "chance";
    return part == 3 && random() % 4 == 0 ? std::error_code(errc::failed) : std::error_code();
  };
  s.rows = [](const context& ctx, std::int64_t part, row_sink& to, std::string&) {
    return few_rows(ctx, to, part, 4000);
  };
  fanned f(s, {.report = "r", .parts_at_once = 5, .wait = long_time}, 2);
  std::atomic<int> whole{0};
  std::vector<std::thread> clients;
  for (unsigned n = 0; n < 6; ++n) {
    clients.emplace_back([&, n] {
      std::mt19937 random(n);
      for (int i = 0; i < 60; ++i) {
        const auto request = with_cancel(background());
        const auto leaves = std::chrono::microseconds(random() % 4000);
        std::thread client([&] {
          if (leaves < 3ms) {
            static_cast<void>(sleep_for(background(), leaves));
            request.cancel({.kind = http::causes::client_reset});
          }
        });
        const auto a = f.ask(request.ctx, {{"parts", "6"}});
        client.join();
        whole += a.whole ? 1 : 0;
      }
    });
  }
  for (auto& c : clients) {
    c.join();
  }
  std::uint64_t parts = 0;
  for (const auto e :
       {part_end::completed, part_end::failed, part_end::sibling_failed, part_end::stopped}) {
    EXPECT_GT(f.ended(e), 0U) << name(e);
    parts += f.ended(e);
  }
  EXPECT_EQ(parts % 6, 0U) << "one that left before its first place has none";
  EXPECT_LE(parts, 6U * 360);
  EXPECT_GT(whole, 0);
  EXPECT_GE(f.ended(part_end::completed), static_cast<std::uint64_t>(6 * whole));
  EXPECT_EQ(f.in_use(), 0U);
  EXPECT_EQ(f.fanout->running(), 0U);
  EXPECT_LE(f.engines[0]->most + f.engines[1]->most, 10U);
}

}  // namespace
}  // namespace hangup::query
