// What a report does to its session, and what becomes of a session: against a real server.
#include "tests/system/postgres_engine.h"

namespace hangup::system_test {
namespace {

// With or without read_only.
class writing_or_not : public postgres_engine, public testing::WithParamInterface<bool> {};

// Leaves behind what a session can have; with an argument it sleeps in the end.
constexpr const char* leaves_things =
    "CREATE OR REPLACE FUNCTION leaves_things(seconds int8) RETURNS int LANGUAGE plpgsql AS $$ "
    "BEGIN PERFORM pg_advisory_lock(7); "
    "EXECUTE 'LISTEN gossip'; EXECUTE 'CREATE TEMP TABLE left_here(x int)'; "
    "EXECUTE 'PREPARE left_here AS SELECT 1'; "
    "PERFORM set_config('search_path', 'nowhere', false), "
    "set_config('statement_timeout', '77', false), set_config('role', 'pg_monitor', false), "
    "set_config('default_transaction_read_only', 'off', false), set_config('shop.x', '7', false); "
    "PERFORM pg_sleep(seconds); RETURN 1; END $$";

const report leave{.name = "leave", .sql = "SELECT leaves_things($1)", .parameters = {whole}};
const report look{
    .name = "look",
    .sql =
        "SELECT current_setting('search_path'), current_setting('statement_timeout'), "
        "current_user = session_user, current_setting('default_transaction_read_only'), "
        "coalesce(current_setting('shop.x', true), '') = '', "
        "to_regclass('pg_temp.left_here') IS NULL, "
        "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), "
        "(SELECT count(*) FROM pg_listening_channels()), "
        "(SELECT count(*) FROM pg_prepared_statements)"};

TEST_F(postgres_engine, gives_a_session_on_as_if_it_were_new) {
  server_->ask(leaves_things);
  auto how = options(1);
  how.read_only = false;  // else there would be no temporary table
  postgres db(how);
  const auto seen = [&] {
    kept_rows rows;
    EXPECT_FALSE(ask(db, background(), look, {}, rows, why_)) << why_;
    return rows.values;
  };
  const auto before = seen();
  ASSERT_EQ(before.size(), 9U);
  kept_rows rows;
  ASSERT_FALSE(ask(db, background(), leave, {std::int64_t{0}}, rows, why_)) << why_;
  EXPECT_TRUE(server_->becomes("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0"));
  EXPECT_EQ(seen(), before);
  hang_up_on(db, leave, {std::int64_t{600}});
  EXPECT_TRUE(server_->becomes("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0"));
  EXPECT_EQ(seen(), before);
  EXPECT_EQ(server_->ask(ours), "1") << "it was the same session";
  EXPECT_EQ(db.now().dropped, 0U);
}

TEST_F(postgres_engine, a_report_cannot_make_the_transaction_of_the_next_one_write) {
  postgres db(options(1));
  kept_rows rows;
  const report off{.name = "off",
                   .sql = "SELECT set_config('default_transaction_read_only', 'off', false)"};
  ASSERT_FALSE(ask(db, background(), off, {}, rows, why_)) << why_;
  const report writes{.name = "writes", .sql = "DELETE FROM items"};
  EXPECT_EQ(ask(db, background(), writes, {}, rows, why_), errc::failed);
  EXPECT_EQ(why_, "cannot execute DELETE in a read-only transaction (25006)");
}

TEST_F(postgres_engine, sorts_errors_by_what_may_be_done_about_them) {
  server_->ask(
      "CREATE OR REPLACE FUNCTION fails_with(state text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
      "RAISE EXCEPTION 'as asked' USING ERRCODE = state; END $$");
  postgres db(options(1));
  const report fails{.name = "fails",
                     .sql = "SELECT fails_with($1)",
                     .parameters = {{.name = "state", .allowed = query::text_limit{64}}}};
  const std::vector<std::pair<std::string, errc>> all = {
      {"53200", errc::busy},         {"40P01", errc::busy},         {"55P03", errc::busy},
      {"22012", errc::bad_argument}, {"23505", errc::bad_argument}, {"42P01", errc::failed},
      {"XX000", errc::failed},       {"57P03", errc::unreachable},  {"P0001", errc::failed}};
  for (const auto& [state, ec] : all) {
    kept_rows rows;
    EXPECT_EQ(ask(db, background(), fails, {state}, rows, why_), ec) << state;
    EXPECT_NE(why_.find(state), std::string::npos) << why_;
  }
  EXPECT_EQ(db.now().dropped, 0U) << "none of them is of the session";
}

TEST_F(postgres_engine, says_which_argument_it_cannot_take) {
  postgres db(options(1));
  const auto why = [&](const std::string& sql, std::size_t parameters, const arguments& with) {
    report r{.name = "r", .sql = sql};
    for (std::size_t i = 0; i < parameters; ++i) {
      r.parameters.push_back({.name = std::string(1, static_cast<char>('a' + i)), .allowed = {}});
    }
    kept_rows rows;
    EXPECT_EQ(ask(db, background(), r, with, rows, why_), errc::bad_argument) << sql << why_;
    return why_;
  };
  const std::string day = "2026-02-30";
  EXPECT_EQ(why("SELECT $1::int4", 1, {std::int64_t{5'000'000'000}}),
            "parameter \"a\": value \"5000000000\" is out of range for type integer (22003)");
  EXPECT_EQ(why("SELECT $1::int4, $2::date", 2, {std::int64_t{1}, day}),
            "parameter \"b\": date/time field value out of range: \"2026-02-30\" (22008)");
  EXPECT_EQ(why("SELECT $1::text::int4 + $2::int4", 2, {std::string("x"), std::int64_t{1}}),
            "parameter \"a\": invalid input syntax for type integer: \"x\" (22P02)");
  EXPECT_EQ(why("SELECT $1::int4 / $2::int4", 2, {std::int64_t{1}, std::int64_t{0}}),
            "one of the parameters \"a\", \"b\": division by zero (22012)");
  EXPECT_EQ(why("SELECT name ~ $1 FROM customers LIMIT 1", 1, {std::string("(")}),
            "parameter \"a\": invalid regular expression: parentheses () not balanced (2201B)");
  EXPECT_EQ(why("SELECT name::int4 FROM customers WHERE id = $1", 1, {std::int64_t{7}}),
            "parameter \"a\": the value cannot be used (22P02)")
      << "the value of a row is no client's business";
  server_->ask(
      "CREATE OR REPLACE FUNCTION tells(code text, word text) RETURNS int LANGUAGE plpgsql AS $$ "
      "BEGIN RAISE EXCEPTION '%', word USING ERRCODE = code; END $$");
  server_->ask(
      "CREATE OR REPLACE FUNCTION knows(t text) RETURNS boolean LANGUAGE plpgsql AS $$ "
      "BEGIN RAISE EXCEPTION 'not %', (SELECT name FROM customers WHERE id = 7) "
      "USING ERRCODE = '22023'; END $$");
  server_->ask("DROP DOMAIN IF EXISTS known");
  server_->ask("CREATE DOMAIN known AS text CHECK (knows(VALUE))");
  for (const char* const code : {"22000", "22023", "2201B", "23505", "23514"}) {
    EXPECT_EQ(why("SELECT tells($1, name) FROM customers WHERE id = 7", 1, {std::string(code)}),
              "parameter \"a\": the value cannot be used (" + std::string(code) + ")")
        << "a function of the report's own says it";
  }
  EXPECT_EQ(why("SELECT $1::known", 1, {std::string("x")}),
            "parameter \"a\": the value cannot be used (22023)");
  EXPECT_EQ(why("SELECT make_date(2026, 13, n) FROM (SELECT $1::int4 + id AS n FROM customers "
                "WHERE id = 7) AS t",
                1, {std::int64_t{33}}),
            "parameter \"a\": the value cannot be used (22008)");
  EXPECT_EQ(why("SELECT $1::regclass", 1, {std::string("no_such")}),
            "parameter \"a\": relation \"no_such\" does not exist (42P01)");
  EXPECT_EQ(why("SELECT to_tsquery($1)", 1, {std::string("a b")}),
            "parameter \"a\": the value cannot be used (42601)");
  EXPECT_EQ(why("SELECT current_setting($1)", 1, {std::string("no.such")}),
            "parameter \"a\": the value cannot be used (42704)");
  kept_rows rows;
  const report names_it{.name = "names_it",
                        .sql = "SELECT $1::text FROM no_such_table",
                        .parameters = {{.name = "a", .allowed = {}}}};
  EXPECT_EQ(ask(db, background(), names_it, {std::string("no_such_table")}, rows, why_),
            errc::failed)
      << "that is the report's own fault";
  const report nobodys{.name = "nobodys", .sql = "SELECT 1 / (SELECT 0)"};
  EXPECT_EQ(ask(db, background(), nobodys, {}, rows, why_), errc::failed);
}

TEST_F(postgres_engine, tells_a_timeout_of_the_server_from_a_cancel_of_somebody) {
  auto how = options(1);
  how.conninfo += " options='-c statement_timeout=60'";
  postgres limited(how);
  kept_rows rows;
  EXPECT_EQ(ask(limited, background(), nap, {std::int64_t{600}}, rows, why_), errc::timed_out);
  EXPECT_EQ(why_, "the server's statement_timeout is 60 ms");
  const auto [ctx, cancel] = with_timeout(background(), 60s);
  EXPECT_EQ(ask(limited, ctx, nap, {std::int64_t{600}}, rows, why_), errc::timed_out)
      << "a request may have less than the server allows, not more";

  postgres db(options(1));
  std::error_code ec;
  std::thread request([&] {
    kept_rows none;
    ec = ask(db, background(), nap, {std::int64_t{600}}, none, why_);
  });
  EXPECT_TRUE(server_->becomes(active, "1"));
  server_->ask("SELECT pg_cancel_backend(" + std::to_string(busy_process()) + ")");
  request.join();
  EXPECT_EQ(ec, errc::busy) << why_;
}

TEST_F(postgres_engine, has_the_limit_that_the_server_has_now) {
  postgres db(options(1));
  const report limit{.name = "limit", .sql = "SELECT current_setting('statement_timeout')"};
  const auto [ctx, cancel] = with_timeout(background(), 60s);
  const auto seen = [&](const context& by) {
    kept_rows rows;
    EXPECT_FALSE(ask(db, by, limit, {}, rows, why_)) << why_;
    return rows.values.empty() ? "" : rows.values[0];
  };
  const auto is_now = [&](const std::string& setting, const std::string& expected) {
    server_->ask(setting);
    server_->ask("SELECT pg_reload_conf()");
    const auto until = clock::now() + patience;
    while (seen(background()) != expected && clock::now() < until) {
      std::this_thread::sleep_for(10ms);  // the server tells its sessions when it likes
    }
    EXPECT_EQ(seen(background()), expected);
  };
  const auto ours = seen(ctx);
  EXPECT_EQ(seen(background()), "text 0");
  is_now("ALTER SYSTEM SET statement_timeout = '200ms'", "text 200ms");
  EXPECT_EQ(seen(ctx), "text 200ms") << "the server allows less";
  kept_rows rows;
  EXPECT_EQ(ask(db, ctx, nap, {std::int64_t{600}}, rows, why_), errc::timed_out);
  EXPECT_EQ(why_, "the server's statement_timeout is 200 ms");
  is_now("ALTER SYSTEM SET statement_timeout = '2d'", "text 2d");
  EXPECT_EQ(seen(ctx), ours) << "the server allows more";
  is_now("ALTER SYSTEM RESET statement_timeout", "text 0");
  EXPECT_EQ(seen(ctx), ours);
  EXPECT_EQ(db.now().dropped, 0U) << "all on one connection";
}

TEST_P(writing_or_not, asks_again_when_the_session_had_ended_before_the_question_was_read) {
  auto how = options(1);
  how.read_only = GetParam();
  postgres db(how);
  ASSERT_TRUE(right(db, 1, why_)) << why_;
  const int session =
      std::stoi(server_->ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'hangup'"));
  ASSERT_EQ(::kill(session, SIGSTOP), 0);
  server_->ask("SELECT pg_terminate_backend(" + std::to_string(session) + ")");
  std::string why;
  bool was_right = false;
  std::thread request([&] { was_right = right(db, 2, why); });
  while (db.now().in_use == 0) {
    std::this_thread::sleep_for(1ms);
  }
  ::kill(session, SIGCONT);
  request.join();
  EXPECT_TRUE(was_right) << why;
}

INSTANTIATE_TEST_SUITE_P(postgres_engine, writing_or_not, testing::Bool());

TEST_F(postgres_engine, no_request_fails_once_the_server_is_back) {
  postgres db(options(3));
  for (int round = 0; round < 2; ++round) {
    std::vector<std::thread> requests;
    requests.reserve(3);
    for (std::int64_t id = 1; id <= 3; ++id) {
      requests.emplace_back([&, id] {
        std::string why;
        EXPECT_TRUE(right(db, id, why)) << why;
      });
    }
    for (auto& r : requests) {
      r.join();
    }
    if (round == 0) {
      server_->kill();
      server_->start();
    }
  }
}

TEST_F(postgres_engine, a_session_that_is_ended_at_work_is_an_error_to_try_again) {
  postgres db(options(1));
  std::error_code ec;
  std::thread request([&] {
    kept_rows rows;
    ec = ask(db, background(), nap, {std::int64_t{600}}, rows, why_);
  });
  EXPECT_TRUE(server_->becomes(
      "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hangup' AND state = "
      "'active' AND clock_timestamp() - query_start > interval '0.6 s'",
      "1"));
  server_->ask("SELECT pg_terminate_backend(" + std::to_string(busy_process()) + ")");
  request.join();
  EXPECT_EQ(ec, errc::unreachable) << why_;
  EXPECT_TRUE(right(db, 1, why_)) << why_;
}

}  // namespace
}  // namespace hangup::system_test
