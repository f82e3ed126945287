// The PostgreSQL engine against a real server, in process: values, statements, and a server that
// goes and comes.
#include "tests/system/postgres_engine.h"

#include "hangup/context/wait.h"
#include "hangup/worker/loop.h"
#include "tests/support/between_turns.h"

namespace hangup::system_test {
namespace {

TEST_F(postgres_engine, hands_values_over_by_their_type) {
  postgres db(options());
  kept_rows rows;
  const report types{.name = "types",
                     .sql =
                         "SELECT 7::int2 AS a, -9223372036854775808 AS b, 1.5::float8 AS c, "
                         "sum(cents) / 100.0 AS d, 'NaN'::float8 AS e, NULL AS f, true AS g, "
                         "date '2026-11-21' AS h, 'Grüße' AS i FROM items WHERE cents < 102"};
  ASSERT_FALSE(ask(db, background(), types, {}, rows, why_)) << why_;
  EXPECT_EQ(rows.names, (std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g", "h", "i"}));
  EXPECT_EQ(rows.values,
            (std::vector<std::string>{"integer 7", "integer -9223372036854775808", "real 1.500000",
                                      "real 4.020000", "text NaN", "null", "integer 1",
                                      "text 2026-11-21", "text Grüße"}));
}

TEST_F(postgres_engine, binds_arguments_and_leaves_no_statement_behind) {
  postgres db(options(1));
  for (std::int64_t id = 1; id <= 20; ++id) {
    ASSERT_TRUE(right(db, id, why_)) << why_;
  }
  kept_rows rows;
  const report hostile{.name = "by_name", .sql = "SELECT count(*) FROM customers WHERE name = $1"};
  ASSERT_FALSE(ask(db, background(), hostile, {std::string("x' OR true; --")}, rows, why_)) << why_;
  EXPECT_EQ(rows.values, std::vector<std::string>{"integer 0"});
  rows.values.clear();
  const report prepared{.name = "prepared", .sql = "SELECT count(*) FROM pg_prepared_statements"};
  ASSERT_FALSE(ask(db, background(), prepared, {}, rows, why_)) << why_;
  EXPECT_EQ(rows.values, std::vector<std::string>{"integer 0"});
}

TEST_F(postgres_engine, refuses_a_row_that_is_far_too_large_and_closes_its_connection) {
  postgres db(options(1));
  kept_rows rows;
  const report large{.name = "large",
                     .sql = "SELECT repeat('x', $1::int)::text AS t FROM generate_series(1, 2)",
                     .parameters = {whole}};
  EXPECT_EQ(ask(db, background(), large, {std::int64_t{100'000'000}}, rows, why_), errc::too_large);
  EXPECT_EQ(why_, "it has more than 4194304 bytes");
  EXPECT_EQ(rows.count, 0U);
  EXPECT_TRUE(server_->becomes(ours, "0"));
  EXPECT_FALSE(ask(db, background(), large, {std::int64_t{4'000'000}}, rows, why_)) << why_;
  EXPECT_EQ(rows.count, 2U);
  const report second{.name = "second",
                      .sql = "SELECT repeat('x', g * 50000000) AS t FROM generate_series(0, 1) g"};
  EXPECT_EQ(ask(db, background(), second, {}, rows, why_), errc::too_large);
  EXPECT_EQ(rows.count, 3U);
  EXPECT_TRUE(right(db, 1, why_)) << why_;
}

// What it says while it works is not part of a row.
TEST_F(postgres_engine, reads_a_row_after_many_notices) {
  postgres_options how = options(1);
  how.read_only = false;
  postgres db(how);
  server_->ask(
      "CREATE FUNCTION talk() RETURNS int LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..8000 LOOP "
      "RAISE NOTICE '%', repeat('n', 1000); END LOOP; RETURN 7; END $$");
  kept_rows rows;
  const report talks{.name = "talks", .sql = "SELECT talk()"};
  EXPECT_FALSE(ask(db, background(), talks, {}, rows, why_)) << why_;
  EXPECT_EQ(rows.values, std::vector<std::string>{"integer 7"});
  server_->ask("DROP FUNCTION talk()");
}

TEST_F(postgres_engine, lets_the_other_tasks_have_their_turn_however_fast_the_server_sends) {
  postgres db(options(1));
  query::waiting_database& engine = *db.as_tasks();
  const report rows_of_64_kib{.name = "large",
                              .sql = "SELECT repeat('x', 65536) AS t FROM generate_series(1, 200)"};
  kept_rows rows;
  test::between_turns seen;
  rows.each = [&](const context&) -> std::error_code {
    seen.moved(1);
    std::this_thread::sleep_for(1ms);  // so that there is always another one
    return {};
  };
  const auto asks = [&](const context& ctx) -> task<std::error_code> {
    std::unique_ptr<query::waiting_query> q;
    auto ec = co_await engine.start(ctx, rows_of_64_kib, {}, q, why_);
    if (!ec) {
      ec = co_await q->rows(ctx, rows, why_);
    }
    co_return ec;
  };
  EXPECT_FALSE(run_blocking(seen.run(background(), asks))) << why_;
  EXPECT_EQ(rows.count, 200U);
  EXPECT_LE(seen.most(), 16U) << "rows, which are 1 MiB";
}

TEST_F(postgres_engine, has_columns_where_there_is_no_row) {
  postgres db(options());
  kept_rows rows;
  ASSERT_FALSE(ask(db, background(), one, {std::int64_t{0}}, rows, why_)) << why_;
  EXPECT_EQ(rows.names, (std::vector<std::string>{"id", "name"}));
  EXPECT_EQ(rows.count, 0U);
}

TEST_F(postgres_engine, says_why_a_statement_fails_and_keeps_the_connection) {
  postgres db(options(1));
  kept_rows rows;
  const report wrong{.name = "wrong", .sql = "SELECT nothing FROM nowhere"};
  EXPECT_EQ(ask(db, background(), wrong, {}, rows, why_), errc::failed);
  EXPECT_EQ(why_, "relation \"nowhere\" does not exist (42P01)");
  const report later{.name = "later", .sql = "SELECT 1 / (3 - g) FROM generate_series(1, 5) g"};
  EXPECT_EQ(ask(db, background(), later, {}, rows, why_), errc::failed);
  EXPECT_EQ(rows.count, 2U);
  const report writes{.name = "writes", .sql = "DELETE FROM items"};
  EXPECT_EQ(ask(db, background(), writes, {}, rows, why_), errc::failed);
  EXPECT_EQ(why_, "cannot execute DELETE in a read-only transaction (25006)");
  EXPECT_TRUE(right(db, 1, why_)) << why_;
  EXPECT_EQ(db.now().dropped, 0U);
  EXPECT_EQ(server_->ask(ours), "1");
}

TEST_F(postgres_engine, a_table_that_changes_is_read_as_it_is) {
  postgres db(options(1));
  kept_rows rows;
  const report all{.name = "all", .sql = "SELECT * FROM customers WHERE id = 1"};
  ASSERT_FALSE(ask(db, background(), all, {}, rows, why_)) << why_;
  server_->ask("ALTER TABLE customers ADD COLUMN until date");
  ASSERT_FALSE(ask(db, background(), all, {}, rows, why_)) << why_;
  EXPECT_EQ(rows.names.back(), "until");
}

TEST_F(postgres_engine, recovers_when_the_server_is_killed_and_started_again) {
  postgres db(options(3));
  ASSERT_TRUE(right(db, 1, why_)) << why_;
  std::vector<std::thread> requests;
  std::atomic<int> unreachable{0};
  requests.reserve(2);
  for (int i = 0; i < 2; ++i) {
    requests.emplace_back([&] {
      kept_rows rows;
      std::string why;
      const auto ec = ask(db, background(), nap, {std::int64_t{600}}, rows, why);
      unreachable += ec == errc::unreachable && !why.empty() ? 1 : 0;
    });
  }
  ASSERT_TRUE(server_->becomes(active, "2"));
  server_->kill();
  for (auto& r : requests) {
    r.join();
  }
  EXPECT_EQ(unreachable, 2);
  kept_rows rows;
  EXPECT_EQ(ask(db, background(), one, {std::int64_t{1}}, rows, why_), errc::unreachable);
  EXPECT_EQ(db.reachable(background(), why_), errc::unreachable);
  EXPECT_NE(why_, "");

  server_->start();
  EXPECT_FALSE(db.reachable(background(), why_)) << why_;
  for (std::int64_t id = 1; id <= 10; ++id) {
    EXPECT_TRUE(right(db, id, why_)) << why_;
  }
  EXPECT_LE(db.now().connections, 3U);
}

TEST_F(postgres_engine, replaces_connections_that_the_server_has_ended) {
  postgres db(options(2));
  ASSERT_TRUE(right(db, 1, why_)) << why_;
  server_->ask(
      "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = "
      "'hangup'");
  EXPECT_TRUE(right(db, 2, why_)) << why_;
}

TEST_F(postgres_engine, says_busy_when_no_connection_comes_free_in_time) {
  auto how = options(1);
  how.acquire_timeout = 100ms;
  postgres db(how);
  const auto [ctx, cancel] = with_cancel(background());
  auto holder = nap_until(ctx, db);
  kept_rows rows;
  EXPECT_EQ(ask(db, background(), one, {std::int64_t{1}}, rows, why_), errc::busy);
  EXPECT_EQ(db.reachable(background(), why_), errc::busy);
  cancel();
  holder.join();
}

TEST_F(postgres_engine, tells_the_sink_that_nothing_has_come_for_a_while) {
  postgres db(options(1));
  kept_rows rows;
  const report slow{.name = "slow",
                    .sql = "SELECT repeat('x', 9000), pg_sleep(0.05) FROM generate_series(1, 5)"};
  ASSERT_FALSE(ask(db, background(), slow, {}, rows, why_)) << why_;
  EXPECT_EQ(rows.count, 5U);
  EXPECT_GE(rows.idles, 1U) << "five, unless this process is kept from running meanwhile";
  EXPECT_LE(rows.idles, 5U);
}

TEST_F(postgres_engine, gives_the_server_a_little_longer_than_the_request_has) {
  postgres db(options(1));
  const report limits{.name = "limits",
                      .sql =
                          "SELECT current_setting('statement_timeout'), "
                          "current_setting('client_connection_check_interval')"};
  kept_rows rows;
  ASSERT_FALSE(ask(db, background(), limits, {}, rows, why_)) << why_;
  const auto [ctx, cancel] = with_timeout(background(), 20s);
  ASSERT_FALSE(ask(db, ctx, limits, {}, rows, why_)) << why_;
  EXPECT_EQ(rows.values,
            (std::vector<std::string>{"text 0", "text 1s", "text 32768ms", "text 1s"}));
}

}  // namespace
}  // namespace hangup::system_test
