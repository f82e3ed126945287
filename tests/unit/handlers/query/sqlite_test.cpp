// The engine SQLite on real files: what it gives, and that it stops.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "tests/unit/handlers/query/sqlite_support.h"

namespace hangup::query {
namespace {

std::string contents(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

constexpr const char* crunch =
    "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < $1) "
    "SELECT count(*) FROM s";
const arguments for_ever = {std::int64_t{1'000'000'000'000}};

TEST(sample, it_is_the_same_every_time) {
  const folder a;
  const folder b;
  const auto first = contents(a.sample());
  EXPECT_GT(first.size(), 100'000U);
  EXPECT_EQ(first, contents(b.sample()));
  const auto db = open_sqlite({.file = a / "sample.db"});
  EXPECT_EQ(run(*db, background(),
                "SELECT (SELECT count(*) FROM customers), (SELECT count(*) FROM orders), "
                "(SELECT count(*) BETWEEN 14000 AND 15400 FROM items)")
                .rows,
            std::vector<std::string>{"i400|i4900|i1"});
}

TEST(sample, one_that_is_there_is_left_alone) {
  const folder f;
  const auto file = f.sample();
  const auto before = std::filesystem::last_write_time(file);
  std::string why;
  bool told = false;
  EXPECT_FALSE(make_sample(
      background(), file, 500, [&](unsigned) { told = true; }, why));
  EXPECT_FALSE(told);
  EXPECT_EQ(std::filesystem::last_write_time(file), before);
}

TEST(sample, an_end_in_the_middle_leaves_nothing) {
  const folder f;
  const auto [ctx, cancel] = with_cancel(background());
  std::string why;
  unsigned most = 0;
  const auto ec = make_sample(
      ctx, f / "sample.db", 50'000,
      [&, &cancel = cancel](unsigned percent) {
        most = percent;
        if (percent >= 50) {
          cancel();
        }
      },
      why);
  EXPECT_EQ(ec, hangup::errc::canceled);
  EXPECT_EQ(most, 50U);
  EXPECT_EQ(f.files(), 0U);
}

TEST(sample, what_a_killed_process_has_left_is_made_anew) {
  const folder f;
  std::ofstream(f / "sample.db.making") << std::string(100'000, 'x');
  const auto file = f.sample(500);
  EXPECT_EQ(f.files(), 1U);
  EXPECT_EQ(run(*open_sqlite({.file = file}), background(), "SELECT count(*) FROM customers").rows,
            std::vector<std::string>{"i10"});
}

TEST(sample, of_several_at_once_one_makes_it) {
  const folder f;
  std::atomic<int> made{0};
  std::vector<std::thread> all;
  for (int i = 0; i < 4; ++i) {
    all.emplace_back([&] {
      std::string why;
      EXPECT_FALSE(make_sample(
          background(), f / "sample.db", 5'000, [&](unsigned p) { made += p == 100; }, why))
          << why;
    });
  }
  for (auto& t : all) {
    t.join();
  }
  EXPECT_EQ(made, 1);
  EXPECT_EQ(f.files(), 1U);
}

TEST(sample, the_wait_for_another_who_makes_it_ends_with_the_context) {
  const folder f;
  const int other = ::open((f / "sample.db.making").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);
  const auto [ctx, cancel] = with_timeout(background(), 50ms);
  std::string why;
  EXPECT_EQ(make_sample(
                ctx, f / "sample.db", 500, [](unsigned) {}, why),
            hangup::errc::deadline_exceeded);
  ::close(other);
}

TEST(sqlite, types_arrive_as_they_are_and_arguments_are_bound_by_their_number) {
  const folder f;
  const auto db = open_sqlite({.file = f.sample(500)});
  const auto o = run(*db, background(), "SELECT $2, $1, $3, NULL, x'00ff', '', $1 || '!'",
                     {std::string("'; DROP TABLE items; --"), std::int64_t{-7}, 0.5});
  ASSERT_FALSE(o.ec) << o.why;
  EXPECT_EQ(o.rows, std::vector<std::string>{
                        "i-7|t'; DROP TABLE items; --|r0.500000|null|t\\x00ff|t|t'; DROP TABLE "
                        "items; --!"});
}

TEST(sqlite, what_is_hopeless_stops_with_its_context_and_the_connection_is_used_again) {  // B89
  const folder f;
  const auto db = open_sqlite({.file = f.sample(), .connections = 1});
  for (const std::string& sql :
       {std::string(crunch),
        std::string("SELECT count(*) FROM items a, items b, items c WHERE a.cents < b.cents + "
                    "c.cents"),
        std::string("SELECT a.cents, b.product FROM items a, items b ORDER BY a.cents * b.cents, "
                    "b.product"),
        std::string("SELECT count(DISTINCT a.cents * b.cents) FROM items a, items b")}) {
    const auto [ctx, cancel] = with_timeout(background(), 100ms);
    const auto o = run(*db, ctx, sql, sql == crunch ? for_ever : arguments{});
    EXPECT_EQ(o.ec, hangup::errc::deadline_exceeded) << sql << ": " << o.why;
    EXPECT_LT(context::clock::now() - *ctx.deadline(), 2s) << sql;
    EXPECT_EQ(run(*db, background(), "SELECT 1").rows, std::vector<std::string>{"i1"});
  }
  EXPECT_EQ(db->now().connections, 1U);
  EXPECT_EQ(db->now().in_use, 0U);
  EXPECT_EQ(db->now().dropped, 0U);
}

TEST(sqlite, a_hundred_ends_never_hit_the_query_of_another) {
  const folder f;
  const auto db =
      open_sqlite({.file = f.sample(500), .connections = 2, .patience = test::patience});
  std::atomic<bool> over{false};
  std::vector<std::thread> innocent;
  for (int t = 0; t < 2; ++t) {
    innocent.emplace_back([&] {
      while (!over) {
        const auto o = run(*db, background(), crunch, {std::int64_t{2000}});
        EXPECT_FALSE(o.ec) << o.ec.message() << o.why;
        EXPECT_EQ(o.rows, std::vector<std::string>{"i2000"});
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    const auto [ctx, cancel] = with_timeout(background(), std::chrono::microseconds(i * 37));
    EXPECT_EQ(run(*db, ctx, crunch, for_ever).ec, hangup::errc::deadline_exceeded);
  }
  over = true;
  for (auto& t : innocent) {
    t.join();
  }
  EXPECT_EQ(db->now().in_use, 0U);
}

TEST(sqlite, the_wait_for_a_lock_ends_with_the_context_or_with_the_patience) {
  const folder f;
  const auto file = f.sample(500);
  const auto db = open_sqlite({.file = file, .connections = 2, .patience = 60s});
  const auto hasty = open_sqlite({.file = file, .connections = 2, .patience = 50ms});
  EXPECT_FALSE(run(*db, background(), "SELECT 1 FROM items").ec);
  const other_writer writer(file);
  writer.run("BEGIN EXCLUSIVE");
  const auto [ctx, cancel] = with_timeout(background(), 100ms);
  EXPECT_EQ(run(*db, ctx, "SELECT 1 FROM items").ec, hangup::errc::deadline_exceeded);
  EXPECT_LT(context::clock::now() - *ctx.deadline(), 2s) << "the lock would have been waited for";
  EXPECT_EQ(run(*hasty, background(), "SELECT 1 FROM items").ec, errc::busy);
  writer.run("COMMIT");
  EXPECT_FALSE(run(*db, background(), "SELECT 1 FROM items").ec);
  EXPECT_FALSE(run(*hasty, background(), "SELECT 1 FROM items").ec);
}

TEST(sqlite, who_waits_for_a_connection_is_told_in_time_and_takes_none_if_it_leaves) {  // B89
  const folder f;
  const auto db = open_sqlite({.file = f.sample(500), .connections = 1, .patience = 50ms});
  const auto [all, end] = with_cancel(background());
  std::thread hog(
      [&, all = all] { EXPECT_EQ(run(*db, all, crunch, for_ever).ec, hangup::errc::canceled); });
  while (db->now().in_use == 0) {
    std::this_thread::sleep_for(1ms);
  }
  const auto o = run(*db, background(), "SELECT 1");
  EXPECT_EQ(o.ec, errc::busy);
  EXPECT_EQ(o.why, "no connection came free within 50 ms");
  const auto [ctx, cancel] = with_timeout(background(), 1ms);
  EXPECT_EQ(run(*db, ctx, "SELECT 1").ec, hangup::errc::deadline_exceeded);
  std::string why;
  EXPECT_EQ(db->reachable(background(), why), errc::busy) << "in use, so it can be reached";
  end();
  hog.join();
  EXPECT_EQ(db->now().in_use, 0U);
  EXPECT_EQ(db->now().waiting, 0U);
  EXPECT_FALSE(run(*db, background(), "SELECT 1").ec);
  EXPECT_EQ(db->now().connections, 1U);
}

TEST(sqlite, a_file_that_is_missing_or_no_database_is_unreachable_until_it_is_one) {
  const folder f;
  const auto file = f / "sample.db";
  const auto db = open_sqlite({.file = file});
  std::string why;
  EXPECT_EQ(db->reachable(background(), why), errc::unreachable);
  EXPECT_EQ(why, "unable to open database file: No such file or directory");
  EXPECT_EQ(run(*db, background(), "SELECT 1").ec, errc::unreachable);
  EXPECT_EQ(f.files(), 0U) << "none is made by asking";

  std::ofstream(file) << std::string(10'000, 'x');
  EXPECT_EQ(db->reachable(background(), why), errc::unreachable);
  EXPECT_EQ(why, "file is not a database");
  std::filesystem::remove(file);

  f.sample(500);
  EXPECT_FALSE(db->reachable(background(), why)) << why;
  EXPECT_EQ(run(*db, background(), "SELECT count(*) FROM customers").rows,
            std::vector<std::string>{"i10"});

  // Another file of the name: the next query reads that.
  std::filesystem::rename(file, f / "old.db");
  EXPECT_EQ(run(*db, background(), "SELECT 1").ec, errc::unreachable);
  f.sample(1'000);
  EXPECT_EQ(run(*db, background(), "SELECT count(*) FROM customers").rows,
            std::vector<std::string>{"i20"});
  EXPECT_EQ(db->now().in_use, 0U);
}

TEST(sqlite, a_broken_file_is_unreachable_and_its_connection_is_not_kept) {
  const folder f;
  const auto file = f.sample();
  const auto db = open_sqlite({.file = file});
  EXPECT_FALSE(run(*db, background(), "SELECT 1").ec);
  std::fstream broken(file, std::ios::in | std::ios::out | std::ios::binary);
  for (std::streamoff page = 1; page < 100; ++page) {
    broken.seekp(page * 4096);
    broken << std::string(64, '\xee');
  }
  broken.close();
  const auto o = run(*db, background(), "SELECT max(cents + quantity) FROM items");
  EXPECT_EQ(o.ec, errc::unreachable) << o.why;
  EXPECT_EQ(o.why, "database disk image is malformed");
  EXPECT_EQ(db->now().connections, 0U);
  EXPECT_EQ(db->now().dropped, 1U);
}

TEST(sqlite, sql_that_writes_or_is_wrong_fails_with_the_engines_reason) {
  const folder f;
  const auto file = f.sample(500);
  const auto db = open_sqlite({.file = file});
  const auto why = [&](const char* sql) {
    const auto o = run(*db, background(), sql);
    EXPECT_EQ(o.ec, errc::failed) << sql;
    return o.why;
  };
  EXPECT_EQ(why("SELECT * FROM missing"), "no such table: missing");
  EXPECT_EQ(why("DELETE FROM items"), "the SQL of a report must only read, and return rows");
  EXPECT_EQ(why("DELETE FROM items RETURNING 1"),
            "the SQL of a report must only read, and return rows");
  EXPECT_EQ(why("SELECT 1; SELECT 2"), "the SQL of a report must be one statement");
  EXPECT_EQ(why("ATTACH '/tmp/hangup-other.db' AS o"),
            "the SQL of a report must only read, and return rows");
  EXPECT_EQ(why("SELECT $2"), "the SQL of the report has $2, and it declares 0 parameters");
  EXPECT_EQ(why("SELECT ?"), "the SQL of the report has ?, and it declares 0 parameters");
  EXPECT_EQ(why("SELECT zeroblob(2000000)"), "string or blob too big");
  EXPECT_EQ(db->now().dropped, 0U);
  EXPECT_EQ(run(*db, background(), "SELECT count(*) > 100 FROM items").rows,
            std::vector<std::string>{"i1"});
}

TEST(sqlite, a_sort_does_not_fill_the_disk) {
  const folder f;
  const auto db = open_sqlite({.file = f.sample(), .temporary = 8U << 20U});
  const auto sorted = [&](const char* from) {
    return run(*db, background(),
               std::string("SELECT max(c) FROM (SELECT a.cents AS c FROM ") + from +
                   " ORDER BY random() LIMIT -1 OFFSET 0)");
  };
  EXPECT_FALSE(sorted("items a").ec);
  const auto o = sorted("items a, items b");
  EXPECT_EQ(o.ec, errc::failed);
  EXPECT_EQ(o.why, "a temporary file of the query would have more than 8388608 bytes");
  EXPECT_FALSE(sorted("items a").ec) << "the connection is as good as before";
}

TEST(sqlite, an_error_of_the_sink_ends_the_query) {
  class leaves final : public row_sink {
    std::error_code columns(const context&, std::span<const std::string>) override { return {}; }
    std::error_code row(const context&, std::span<const field>) override { return {}; }
    std::error_code idle(const context&) override {
      return std::make_error_code(std::errc::broken_pipe);
    }
  } sink;
  const folder f;
  const auto db = open_sqlite({.file = f.sample(500)});
  std::unique_ptr<running> q;
  std::string why;
  // One row at once, and none for ever after it: only idle() can notice.
  const report r{"r", "", "SELECT 1 UNION ALL SELECT * FROM (" + std::string(crunch) + ")", {}};
  ASSERT_FALSE(db->start(background(), r, for_ever, q, why)) << why;
  EXPECT_EQ(q->rows(background(), sink, why), std::errc::broken_pipe);
  EXPECT_EQ(db->now().in_use, 0U) << "given back when the rows are over";
}

}  // namespace
}  // namespace hangup::query
