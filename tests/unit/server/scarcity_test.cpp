// The handlers and the observers where there is no memory or no thread: what is lost is one line,
// one request, one job's words, and each of them is said or counted.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <latch>
#include <string>

#include "handlers/jobs/store.h"
#include "handlers/relay/name_lookup.h"
#include "hangup/context/detail/timer.h"
#include "hangup/context/wait.h"
#include "hangup/worker/loop.h"
#include "server/ended_requests.h"
#include "server/request_log.h"
#include "tests/support/eventually.h"
#include "tests/support/needs.h"
#include "tests/support/scarce.h"
#include "tests/unit/handlers/query/fanout_support.h"

namespace hangup::server {
namespace {

using test::without_memory;
using test::without_threads;

const std::string long_words(300, 'w');
const http::route slow{"GET", "/slow"};

http::request_report report(std::string_view id) {
  http::request_report r{id,
                         "GET",
                         "/slow/with-a-path-that-is-long",
                         "127.0.0.1:50001",
                         slow,
                         http::request_end::client_closed};
  r.cause = "client closed (FIN), long enough to need memory";
  return r;
}

TEST(no_memory, for_a_long_line_of_the_log_loses_and_counts_that_line) {
  for (const auto format : {log_format::text, log_format::json}) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    config::log_t how;
    how.format = format;
    how.level = log_level::info;
    how.queue = 64;
    const std::string line = "what the program says is this";
    const std::string longer(2000, 'l');
    {
      request_log log(how, pipe[1]);
      auto r = report("before");
      const http::late_request late{"late", "GET", longer, "c", slow, {}, std::chrono::seconds(1),
                                    false};
      {
        const without_memory none;
        log.ended(r);  // of usual length: it needs none
        log.say(spdlog::level::info, line);
        r.target = longer;
        log.ended(r);
        log.late(late);
        log.say(spdlog::level::info, longer);
      }
      EXPECT_EQ(log.dropped(), 3U);
      log.ended(report("after"));
      log.end();
      EXPECT_EQ(log.dropped(), 3U);
    }
    ::close(pipe[1]);
    std::string all;
    std::array<char, 4096> some{};
    for (ssize_t n = 0; (n = ::read(pipe[0], some.data(), some.size())) > 0;) {
      all.append(some.data(), static_cast<std::size_t>(n));
    }
    ::close(pipe[0]);
    EXPECT_NE(all.find("before"), std::string::npos);
    EXPECT_NE(all.find("after"), std::string::npos);
    EXPECT_NE(all.find(line), std::string::npos);
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 3) << all;
  }
}

TEST(no_memory, for_an_ended_request_loses_and_counts_that_one) {
  ended_requests ring({.completed = 2, .not_completed = 2});
  ring.ended(report("first"));
  const std::string name(100, 'n');
  const auto lost = report(name);
  {
    const without_memory none;
    ring.ended(lost);
  }
  EXPECT_EQ(ring.lost(), 1U);
  ASSERT_EQ(ring.newest_first(9).size(), 1U);
  ring.ended(report("second"));
  ring.ended(report("third"));
  const auto all = ring.newest_first(9);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].id, "third");
  EXPECT_EQ(all[1].id, "second");
}

TEST(no_memory, for_the_end_of_a_job_costs_its_words) {
  std::atomic<int> lost{0};
  std::atomic<int> said{0};
  jobs::options how{.say = [&](bool, const std::string&) { ++said; }, .lost = [&] { ++lost; }};
  how.keep = std::chrono::milliseconds::max();
  jobs::store store(how);
  pool on({.name = "p", .workers = 1});
  std::latch runs(1);
  std::latch go_on(1);
  const auto begun = store.start(background(), on,
                                 {.what = "a job",
                                  .content_type = "text/plain",
                                  .run = [&](const context&, jobs::result&, std::string& why) {
                                    why = long_words;
                                    runs.count_down();
                                    go_on.wait();
                                    return std::make_error_code(std::errc::io_error);
                                  }});
  ASSERT_TRUE(begun.job);
  runs.wait();
  {
    const without_memory none(without_memory::of_others);
    go_on.count_down();
    EXPECT_TRUE(test::eventually([&] { return store.active() == 0; }));
  }
  EXPECT_EQ(said, 1) << "its begin";
  EXPECT_EQ(lost, 1);
  const auto job = store.find(begun.job->id);
  ASSERT_TRUE(job) << "kept as long as the clock can count";
  EXPECT_EQ(job->state, jobs::state::failed);
  EXPECT_EQ(job->cause, "");
}

TEST(no_memory, for_a_job_that_begins_is_bad_alloc_and_leaves_nothing) {
  jobs::store store(jobs::options{});
  pool on({.name = "p", .workers = 1});
  jobs::new_job what{.what = "a job", .content_type = "text/plain", .run = [](auto&&...) {
                       return std::error_code();
                     }};
  {
    const without_memory none;
    EXPECT_THROW((void)store.start(background(), on, std::move(what)), std::bad_alloc);
  }
  EXPECT_EQ(store.active(), 0U);
  EXPECT_TRUE(store.newest_first(9).empty());
}

// The only place is free again, wherever the memory ended.
TEST(no_memory, at_any_step_of_a_job_s_begin_leaves_nothing_of_it) {
  jobs::options how;
  how.jobs = 1;
  how.total_bytes = 1000;
  jobs::store store(how);
  pool on({.name = "p", .workers = 1, .queue = 1});
  ASSERT_FALSE(on.run(background(), [](const context&) {}));  // there is a worker
  bool begun = false;
  int failed = 0;
  for (std::size_t memory = 0; !begun; ++memory) {
    jobs::new_job what{.what = long_words,
                       .content_type = "text/plain, " + long_words,
                       .run = [](const context& ctx, auto&&...) { return wait_done(ctx); }};
    try {
      const test::memory_for so_much(memory);
      begun = store.start(background(), on, std::move(what)).job.has_value();
    } catch (const std::bad_alloc&) {
      ++failed;
      ASSERT_EQ(store.active(), 0U) << memory;
      ASSERT_TRUE(store.newest_first(9).empty()) << memory;
    }
    ASSERT_LT(memory, 1000U);
  }
  EXPECT_GT(failed, 8);
  EXPECT_EQ(store.now().now[static_cast<std::size_t>(jobs::state::queued)] +
                store.now().now[static_cast<std::size_t>(jobs::state::running)],
            1U);
  store.end_all();
}

TEST(no_memory, does_not_keep_all_jobs_from_being_ended_and_forgotten) {
  ASSERT_FALSE(tree::start_timers());
  jobs::options how;
  how.jobs = 200;
  how.keep = std::chrono::milliseconds(1);
  jobs::store store(how);
  pool on({.name = "p", .workers = 2, .queue = 200});
  std::latch run(2);
  for (int i = 0; i < 150; ++i) {  // two run, the others wait
    ASSERT_TRUE(store
                    .start(background(), on,
                           {.what = "w",
                            .content_type = "text/plain",
                            .run =
                                [&](const context& ctx, auto&&...) {
                                  run.count_down();
                                  return wait_done(ctx).get();
                                }})
                    .job);
  }
  run.wait();
  bool ended = false;
  bool forgotten = false;
  {
    const without_memory mine;
    const without_memory of_others(without_memory::of_others);
    store.end_all();
    ended = test::eventually([&] { return store.active() == 0; });
    forgotten = test::eventually([&] { return store.now().expired == 150U; });
  }
  EXPECT_TRUE(ended);
  EXPECT_TRUE(forgotten);
  EXPECT_TRUE(store.newest_first(200).empty());
}

TEST(no_thread, for_a_look_up_of_a_name_is_an_error_of_the_one_who_asks) {
  test::needs({test::no_sanitizer("has its own pthread_create")});
  const handlers::name_lookup names(
      "a.name", [](const std::string&) { return handlers::name_lookup::addresses{"127.0.0.1"}; });
  handlers::name_lookup::addresses found;
  {
    const without_threads none;
    EXPECT_EQ(run_blocking(names.find(background(), found)),
              std::errc::resource_unavailable_try_again);
  }
  EXPECT_EQ(run_blocking(names.find(background(), found)), std::error_code());
  EXPECT_EQ(found.size(), 1U);
}

// In a process of its own: no thread has been kept from before.
template <class F>
void alone(const F& f) {
  test::needs({test::no_sanitizer("has its own pthread_create")});
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        static_cast<void>(tree::start_timers());
        f();
        std::_Exit(::testing::Test::HasFailure() ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(no_thread, for_any_part_of_a_fanout_is_a_503_and_not_an_empty_answer) {
  alone([] {
    query::fanned f({.rows = [](const context& ctx, std::int64_t part, query::row_sink& to,
                                std::string&) { return query::few_rows(ctx, to, 10 * part, 2); }});
    {
      const without_threads none;
      const auto a = f.ask(background(), {{"parts", "3"}});
      EXPECT_EQ(a.status, 503);
      EXPECT_NE(a.problem, "");
      EXPECT_EQ(f.ended(query::part_end::sibling_failed), 3U);
      EXPECT_EQ(f.in_use(), 0U);
    }
    const auto a = f.ask(background(), {{"parts", "3"}});
    EXPECT_EQ(a.status, 200);
    EXPECT_TRUE(a.whole);
  });
}

// The only thread waits for a place that a part holds which no thread comes for.
TEST(no_thread, for_the_other_parts_of_a_fanout_is_a_503_as_well) {
  alone([] {
    query::fanned f({.rows = [](const context& ctx, std::int64_t part, query::row_sink& to,
                                std::string&) { return query::few_rows(ctx, to, 10 * part, 2); }},
                    {.report = "r", .parts_at_once = 2});
    std::latch over(1);
    struct one final : tree::thread_call {
      explicit one(std::latch& l) : over(l) {}
      void run() noexcept override { over.count_down(); }
      void refuse(std::error_code) noexcept override {}
      std::latch& over;
    } t(over);
    ASSERT_FALSE(tree::start(t));  // there is a thread from now on
    over.wait();
    const without_threads none;
    const auto a = f.ask(background(), {{"parts", "5"}});
    EXPECT_EQ(a.status, 503) << a.body;
    EXPECT_EQ(f.in_use(), 0U);
  });
}

}  // namespace
}  // namespace hangup::server
