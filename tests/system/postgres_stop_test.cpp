// What is hung up on ends in the server, its connection comes back, and nobody else is hit.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <random>

#include "hangup/context/wait.h"
#include "tests/support/eventually.h"
#include "tests/support/resources.h"
#include "tests/system/postgres_engine.h"

namespace hangup::system_test {
namespace {

TEST_F(postgres_engine, ends_every_kind_of_statement_in_the_server) {  // B89
  auto how = options(1);
  how.read_only = false;  // FOR UPDATE writes
  postgres db(how, [&](const settled& s) { told_.take(s); });
  hang_up_on(db, nap, {std::int64_t{600}});
  hang_up_on(db, join, {});
  hang_up_on(db, crunch, {});
  hang_up_on(db, sort, {});

  const std::unique_ptr<PGconn, decltype(&PQfinish)> holder(
      ::PQconnectdb((server_->socket() + " application_name=holder").c_str()), &PQfinish);
  for (const auto* sql : {"BEGIN", "SELECT id FROM orders WHERE id = 17 FOR UPDATE"}) {
    ::PQclear(::PQexec(holder.get(), sql));
  }
  hang_up_on(db, lock, {std::int64_t{17}});

  const auto all = told_.wait_for(5);
  ASSERT_EQ(all.size(), 5U);
  for (const auto& s : all) {
    EXPECT_TRUE(s.idle);
    EXPECT_TRUE(s.kept);
    EXPECT_GE(s.cancels, 1U);
  }
  EXPECT_TRUE(right(db, 5, why_)) << why_;
  EXPECT_EQ(server_->ask(ours), "1") << "the same connection all the time";
  EXPECT_GE(db.now().cancels, 5U);
}

TEST_F(postgres_engine, frees_the_worker_before_the_server_is_idle) {
  auto how = options(1);
  how.settle_timeout = 60s;
  postgres db(how, [&](const settled& s) { told_.take(s); });
  const auto [ctx, cancel] = with_cancel(background());
  std::atomic<bool> returned{false};
  std::thread request([&, ctx = ctx] {
    kept_rows rows;
    std::string why;
    EXPECT_EQ(ask(db, ctx, nap, {std::int64_t{600}}, rows, why), hangup::errc::canceled);
    returned = true;
    returned.notify_all();
  });
  ASSERT_TRUE(server_->becomes(active, "1"));
  const auto pid = busy_process();
  ::kill(pid, SIGSTOP);  // its process cannot even see the cancel
  cancel();
  returned.wait(false);
  EXPECT_EQ(db.now().in_use, 1U) << "it counts as in use until it is settled";
  ::kill(pid, SIGCONT);
  request.join();
  const auto all = told_.wait_for(1);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].kept);
  EXPECT_EQ(db.now().in_use, 0U);
}

TEST_F(postgres_engine, closes_a_connection_that_is_not_settled_within_its_budget) {
  auto how = options(1);
  how.settle_timeout = 300ms;
  postgres db(how, [&](const settled& s) { told_.take(s); });
  const auto [ctx, cancel] = with_cancel(background());
  auto request = nap_until(ctx, db);
  const auto pid = busy_process();
  ::kill(pid, SIGSTOP);
  cancel();
  request.join();
  const auto all = told_.wait_for(1);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_FALSE(all[0].kept);
  EXPECT_FALSE(all[0].idle);
  EXPECT_TRUE(right(db, 1, why_)) << "in its place is a new one; " << why_;
  EXPECT_EQ(db.now().dropped, 1U);
  ::kill(pid, SIGCONT);
  EXPECT_TRUE(server_->becomes(ours, "1"));
}

TEST_F(postgres_engine, goes_on_where_a_cancel_gets_no_answer) {
  auto how = options(2);
  how.settle_timeout = 300ms;
  {
    postgres db(how, [&](const settled& s) { told_.take(s); });
    const auto [ctx, cancel] = with_cancel(background());
    std::thread request([&, ctx = ctx] {
      kept_rows rows;
      std::string why;
      EXPECT_EQ(ask(db, ctx, nap, {std::int64_t{600}}, rows, why), hangup::errc::canceled);
    });
    ASSERT_TRUE(right(db, 1, why_)) << why_;
    ASSERT_TRUE(server_->becomes(active, "1"));
    server_->signal(SIGSTOP);  // connections are accepted by the kernel, and answered by nobody
    cancel();
    request.join();
    const auto all = told_.wait_for(1);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_FALSE(all[0].kept);
    EXPECT_TRUE(right(db, 2, why_)) << "by the connection that is there; " << why_;
  }  // does not wait for ever
  server_->signal(SIGCONT);
  EXPECT_TRUE(server_->becomes(ours, "0")) << "the server has found out by itself";
}

TEST_F(postgres_engine, keeps_a_thousand_random_hang_ups_from_the_innocent) {
  constexpr int hang_ups = 1000;
  std::atomic<int> stopped{0};
  postgres db(options(4), [&](const settled& s) {
    told_.take(s);
    ++stopped;
  });
  const std::vector<std::pair<report, arguments>> slow = {
      {nap, {std::int64_t{600}}}, {join, {}}, {crunch, {}}, {stream, {std::int64_t{100'000'000}}}};
  std::atomic<int> asked{0};
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::string wrong;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      while (stopped < hang_ups) {
        const auto& [r, with] = slow[random() % slow.size()];
        const auto [ctx, cancel] =
            with_timeout(background(), std::chrono::microseconds(random() % 30'000));
        kept_rows rows;
        rows.each = [](const context&) { return std::error_code(); };
        std::string why;
        const auto ec = ask(db, ctx, r, with, rows, why);
        if (ec != hangup::errc::deadline_exceeded) {
          const std::lock_guard hold(mutex);
          wrong = r.name + ": " + ec.message() + ": " + why;
        }
      }
    });
  }
  for (unsigned seed = 100; seed < 102; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      while (!over) {
        std::string why;
        if (!right(db, static_cast<std::int64_t>(1 + random() % 500), why)) {
          const std::lock_guard hold(mutex);
          wrong = "innocent: " + why;
        }
        ++asked;
      }
    });
  }
  for (std::size_t i = 0; i < 4; ++i) {
    threads[i].join();
  }
  over = true;
  threads[4].join();
  threads[5].join();

  EXPECT_EQ(wrong, "");
  EXPECT_GT(asked, 100);
  EXPECT_TRUE(server_->becomes(active, "0"));
  while (db.now().in_use > 0) {  // settlers tell after they have given back
    std::this_thread::yield();
  }
  const auto stats = db.now();
  EXPECT_LE(stats.connections, 4U);
  EXPECT_TRUE(server_->becomes(ours, std::to_string(stats.connections)));
  EXPECT_EQ(stats.dropped, 0U);

  const auto all = told_.wait_for(0);
  ASSERT_GE(all.size(), 1000U);
  std::vector<double> idle;
  unsigned resent = 0;
  unsigned late = 0;
  for (const auto& s : all) {
    ASSERT_TRUE(s.idle);
    idle.push_back(std::chrono::duration<double, std::milli>(*s.idle - s.stopped).count());
    resent += s.cancels > 1 ? 1 : 0;
    late += s.late_cancels;
  }
  std::sort(idle.begin(), idle.end());
  std::printf(
      "%zu settled, %d asked between: hang-up to idle p50 %.2f ms, p99 %.2f ms, most %.2f "
      "ms; %u cancels again, %u late\n",
      all.size(), asked.load(), idle[idle.size() / 2], idle[idle.size() * 99 / 100], idle.back(),
      resent, late);
  EXPECT_LT(idle[idle.size() / 2], 500);
  EXPECT_TRUE(eventually([&] {  // what is given back last may not be counted or told yet
    const auto counts = db.now().idle.counts;
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) ==
           told_.wait_for(0).size();
  }));
}

TEST_F(postgres_engine, a_hang_up_while_it_waits_for_a_connection_takes_none) {  // B89
  postgres db(options(1));
  const auto [ctx, cancel] = with_cancel(background());
  auto holder = nap_until(ctx, db);
  const auto [waiting, leave] = with_cancel(background());
  std::thread waiter([&, waiting = waiting] {
    kept_rows rows;
    std::string why;
    EXPECT_EQ(ask(db, waiting, nap, {std::int64_t{600}}, rows, why), hangup::errc::canceled);
  });
  while (db.now().waiting == 0) {
    std::this_thread::yield();
  }
  leave();
  waiter.join();
  EXPECT_EQ(db.now().waiting, 0U);
  EXPECT_EQ(server_->ask(active), "1") << "the other's statement goes on";
  cancel();
  holder.join();
  EXPECT_TRUE(right(db, 1, why_)) << why_;
}

TEST_F(postgres_engine, stops_for_a_slow_reader_and_ends_with_it) {
  postgres db(options(1), [&](const settled& s) { told_.take(s); });
  std::size_t before = 0;
  std::size_t most = 0;
  const auto [ctx, cancel] = with_cancel(background());
  kept_rows rows;
  rows.each = [&, &cancel = cancel](const context& c) -> std::error_code {
    if (rows.count == 1000) {
      before = heap_in_use();
    } else if (rows.count > 1000 && rows.count % 1000 == 0) {
      most = std::max(most, heap_in_use());
    }
    if (rows.count == 300'000) {  // 60 MB later it stops reading, and leaves
      std::thread leaver([&] {
        EXPECT_TRUE(
            server_->becomes("SELECT wait_event FROM pg_stat_activity WHERE "
                             "application_name = 'hangup'",
                             "ClientWrite"));
        cancel();
      });
      const std::error_code ec = wait_done(c);
      leaver.join();
      return ec;
    }
    return {};
  };
  EXPECT_EQ(ask(db, ctx, stream, {std::int64_t{1'000'000'000}}, rows, why_),
            hangup::errc::canceled);
  EXPECT_LE(most, before + std::size_t{8 * 1024 * 1024});
  EXPECT_TRUE(server_->becomes(active, "0"));
  const auto all = told_.wait_for(1);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].kept);
}

TEST_F(postgres_engine, stops_when_the_sink_wants_no_more) {
  postgres db(options(1));
  kept_rows rows;
  rows.each = [&](const context&) {
    return rows.count == 3 ? std::make_error_code(std::errc::broken_pipe) : std::error_code();
  };
  EXPECT_EQ(ask(db, background(), stream, {std::int64_t{1'000'000'000}}, rows, why_),
            std::errc::broken_pipe);
  EXPECT_TRUE(right(db, 1, why_)) << why_;
  EXPECT_EQ(db.now().dropped, 0U);
}

}  // namespace
}  // namespace hangup::system_test
