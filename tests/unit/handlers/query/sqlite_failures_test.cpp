// What can be wrong with a SQLite file, its folder, the process, an argument: each has an answer.
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "handlers/query/named_database.h"
#include "handlers/query/sqlite_errors.h"
#include "tests/support/nobody.h"
#include "tests/unit/handlers/query/sqlite_support.h"

namespace hangup::query {
namespace {

using test::nobody;

// A database in WAL mode with one row, closed in good order, in a folder that can be locked.
class wal_folder {
 public:
  wal_folder() {
    other_writer w(file);
    w.run("PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES(1)");
  }
  ~wal_folder() { writable(true); }
  wal_folder(const wal_folder&) = delete;
  wal_folder& operator=(const wal_folder&) = delete;

  void writable(bool yes) const {
    ::chmod((all_ / "").c_str(), yes ? 0755 : 0555);
    for (const auto* end : {"", "-wal", "-shm", "-journal"}) {
      ::chmod((file + end).c_str(), yes ? 0644 : 0444);
    }
  }

 private:
  const folder all_;

 public:
  const std::string file = all_ / "w.db";
};

outcome run_as_nobody(database& db, const std::string& sql) {
  const nobody here;
  return run(db, background(), sql);
}

outcome run_report(database& db, const context& ctx, const std::string& sql,
                   const arguments& with) {
  report r{"r", "", sql, {}};
  for (std::size_t i = 0; i < with.size(); ++i) {
    r.parameters.push_back({.name = std::string(1, static_cast<char>('a' + i)), .allowed = {}});
  }
  outcome o;
  std::unique_ptr<running> q;
  kept_rows rows;
  o.ec = db.start(ctx, r, with, q, o.why);
  if (!o.ec) {
    o.ec = q->rows(ctx, rows, o.why);
  }
  o.rows = rows.rows;
  return o;
}

TEST(sqlite_errors, each_code_has_its_meaning_and_what_is_not_known_has_failed) {
  const std::vector<std::pair<int, errc>> all = {{SQLITE_ERROR, errc::failed},
                                                 {SQLITE_BUSY, errc::busy},
                                                 {SQLITE_BUSY_SNAPSHOT, errc::busy},
                                                 {SQLITE_LOCKED_SHAREDCACHE, errc::busy},
                                                 {SQLITE_NOMEM, errc::busy},
                                                 {SQLITE_IOERR_NOMEM, errc::busy},
                                                 {SQLITE_IOERR_READ, errc::unreachable},
                                                 {SQLITE_FULL, errc::busy},
                                                 {SQLITE_READONLY_DIRECTORY, errc::unreachable},
                                                 {SQLITE_READONLY_ROLLBACK, errc::unreachable},
                                                 {SQLITE_CANTOPEN_ISDIR, errc::unreachable},
                                                 {SQLITE_CORRUPT_INDEX, errc::unreachable},
                                                 {SQLITE_NOTADB, errc::unreachable},
                                                 {SQLITE_INTERRUPT, errc::failed},
                                                 {SQLITE_MISUSE, errc::failed},
                                                 {SQLITE_INTERNAL, errc::failed},
                                                 {200, errc::failed}};
  for (const auto& [code, ec] : all) {
    EXPECT_EQ(meaning_of(code).ec, ec) << sqlite3_errstr(code) << code;
  }
  EXPECT_TRUE(meaning_of(SQLITE_BUSY).fit);
  EXPECT_FALSE(meaning_of(SQLITE_MISUSE).fit);
  EXPECT_NE(meaning_of(SQLITE_READONLY_CANTINIT).words, nullptr);
}

TEST(query_end, what_an_engine_says_of_a_failure_is_for_the_log) {
  const std::string with_state = "invalid input syntax for type integer: \"secret\" (22P02)";
  EXPECT_EQ(for_clients(errc::failed, with_state), "22P02");
  EXPECT_EQ(in_words(errc::failed, with_state), "the database could not run the query: 22P02");
  EXPECT_EQ(for_clients(errc::busy, "could not write to /var/lib/secret (53100)"), "53100");
  EXPECT_EQ(for_clients(errc::busy, "no connection came free within 7 ms"),
            "no connection came free within 7 ms");
  EXPECT_EQ(for_clients(errc::bad_argument, "parameter \"n\": out of range (22003)"),
            "parameter \"n\": out of range (22003)");
  EXPECT_EQ(for_clients(std::make_error_code(std::errc::io_error), "secret"), "");
  for (const auto* why : {"no such table: secret", "", "(42P01", "no (small)", "(1)", "x (42P01) y",
                          "42P01)", "f(secret)"}) {
    EXPECT_EQ(for_clients(errc::failed, why), "") << why;
  }
  EXPECT_EQ(for_clients(errc::unreachable, "as secret (28P01)"), "");
}

TEST(query_end, only_a_context_or_a_client_that_left_stops_a_query) {  // B89
  EXPECT_EQ(end_of(hangup::errc::canceled), query_end::stopped);
  EXPECT_EQ(end_of(std::make_error_code(std::errc::broken_pipe)), query_end::stopped);
  EXPECT_EQ(end_of(std::make_error_code(std::errc::not_enough_memory)), query_end::failed);
  EXPECT_EQ(end_of(errc::timed_out), query_end::failed);
  EXPECT_EQ(end_of(errc::bad_argument), query_end::bad_argument);
  EXPECT_EQ(http_status(std::make_error_code(std::errc::io_error)), 500);
  EXPECT_EQ(http_status(errc::bad_argument), 400);
  EXPECT_EQ(http_status(errc::unreachable), 503);
}

TEST(sqlite_wal, is_read_where_nobody_can_write_and_what_a_writer_adds_is_seen) {
  const wal_folder f;
  f.writable(false);
  const auto db = open_sqlite({.file = f.file, .connections = 1});
  const auto rows = [&] {
    const auto o = run_as_nobody(*db, "SELECT count(*) FROM t");
    EXPECT_FALSE(o.ec) << o.why;
    return o.rows;
  };
  EXPECT_EQ(rows(), std::vector<std::string>{"i1"});
  f.writable(true);
  {
    const other_writer w(f.file);
    w.run("INSERT INTO t VALUES(2)");
    f.writable(false);
    EXPECT_EQ(rows(), std::vector<std::string>{"i2"}) << "from the -wal, with the writer's -shm";
    f.writable(true);
  }
  std::string why;
  EXPECT_FALSE(db->reachable(background(), why)) << why;
  f.writable(false);
  EXPECT_EQ(rows(), std::vector<std::string>{"i2"});
}

TEST(sqlite_wal, rows_that_were_read_while_somebody_wrote_do_not_pass_for_the_whole) {
  class writes final : public row_sink {
   public:
    explicit writes(const wal_folder& f) : f_(f) {}
    std::error_code columns(const context&, std::span<const std::string>) override { return {}; }
    std::error_code row(const context&, std::span<const field>) override {
      f_.writable(true);
      const other_writer w(f_.file);
      w.run("INSERT INTO t VALUES(3)");
      return {};  // and the last one to close it brings the file up to date
    }
    std::error_code idle(const context&) override { return {}; }

   private:
    const wal_folder& f_;
  };
  const wal_folder f;
  f.writable(false);
  const auto db = open_sqlite({.file = f.file});
  const report r{"r", "", "SELECT x FROM t", {}};
  std::unique_ptr<running> q;
  std::string why;
  {
    const nobody here;
    ASSERT_FALSE(db->start(background(), r, {}, q, why)) << why;
  }
  writes sink(f);
  EXPECT_EQ(q->rows(background(), sink, why), errc::busy);
  EXPECT_EQ(why, "the file was written to while it was read");
  EXPECT_EQ(run(*db, background(), "SELECT count(*) FROM t").rows, std::vector<std::string>{"i2"});
}

TEST(sqlite_wal, what_it_lacks_is_said_so_that_somebody_can_do_something) {
  const wal_folder f;
  {
    const other_writer w(f.file);
    w.run("INSERT INTO t VALUES(2)");
    std::filesystem::copy_file(f.file + "-wal", f.file + ".copy");
  }
  std::filesystem::rename(f.file + ".copy", f.file + "-wal");  // as a crash leaves it
  f.writable(false);
  const auto db = open_sqlite({.file = f.file});
  const auto o = run_as_nobody(*db, "SELECT count(*) FROM t");
  EXPECT_EQ(o.ec, errc::unreachable);
  EXPECT_NE(o.why.find("-wal"), std::string::npos) << o.why;
  EXPECT_NE(o.why.find("write in the folder"), std::string::npos) << o.why;
  EXPECT_EQ(o.why.find("w.db"), std::string::npos) << o.why;
  f.writable(true);
  EXPECT_FALSE(run(*db, background(), "SELECT count(*) FROM t").ec);
}

TEST(sqlite, a_journal_of_an_interrupted_writer_is_said) {
  const folder f;
  const auto file = f / "j.db";
  {
    const other_writer w(f / "live.db");
    w.run(
        "CREATE TABLE t(x); INSERT INTO t VALUES(1); PRAGMA cache_size=1; BEGIN;"
        "INSERT INTO t SELECT randomblob(1000) FROM (WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM s WHERE i < 500) SELECT i FROM s)");
    std::filesystem::copy_file(f / "live.db", file);
    std::filesystem::copy_file(f / "live.db-journal", file + "-journal");
  }
  const auto db = open_sqlite({.file = file});
  const auto o = run(*db, background(), "SELECT count(*) FROM t");
  EXPECT_EQ(o.ec, errc::unreachable);
  EXPECT_NE(o.why.find("-journal"), std::string::npos) << o.why;
}

TEST(sqlite, a_file_that_becomes_a_fifo_holds_nobody_up) {
  const folder f;
  const auto file = f.sample(500);
  const auto db = open_sqlite({.file = file});
  EXPECT_FALSE(run(*db, background(), "SELECT 1").ec);
  std::filesystem::rename(file, f / "old.db");
  ASSERT_EQ(::mkfifo(file.c_str(), 0644), 0);
  const auto o = run(*db, background(), "SELECT 1");
  EXPECT_EQ(o.ec, errc::unreachable);
  EXPECT_EQ(o.why, "it is not a regular file");
  std::filesystem::remove(file);
  std::filesystem::rename(f / "old.db", file);
  ASSERT_EQ(::mkfifo((file + "-wal").c_str(), 0644), 0);
  ASSERT_EQ(::mkfifo((file + "-journal").c_str(), 0644), 0);
  static_cast<void>(run(*db, background(), "SELECT count(*) FROM items"));  // it comes back
  std::filesystem::remove(file + "-wal");
  std::filesystem::remove(file + "-journal");
  EXPECT_FALSE(run(*db, background(), "SELECT 1").ec);
}

struct rlimit descriptor_limit() {
  struct rlimit now {};
  ::getrlimit(RLIMIT_NOFILE, &now);
  return now;
}

// In a process of its own, where nothing has been asked of SQLite.
void run_without_descriptors_first() {
  const folder f;
  const auto file = f.sample(500);
  const auto db = open_sqlite({.file = file});
  const auto descriptors = [usual = descriptor_limit()](bool some) {
    auto now = usual;
    now.rlim_cur = some ? usual.rlim_cur : 3;
    ::setrlimit(RLIMIT_NOFILE, &now);
  };
  const auto ask = [](database& of) {
    return run(of, background(), "SELECT count(*) FROM customers");
  };
  descriptors(false);
  const auto first = ask(*db);
  descriptors(true);
  const auto second = ask(*db);
  const auto other = open_sqlite({.file = file});
  descriptors(false);
  const auto third = ask(*other);
  descriptors(true);
  std::filesystem::remove_all(std::filesystem::path(file).parent_path());
  ::_exit(first.ec == errc::busy && second.rows == std::vector<std::string>{"i10"} &&
                  third.ec == errc::busy
              ? 0
              : 1);
}

TEST(sqlite_DeathTest, a_first_query_without_a_descriptor_is_the_only_one_that_fails) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(run_without_descriptors_first(), testing::ExitedWithCode(0), "");
}

TEST(sqlite, a_value_that_the_engine_cannot_take_is_the_clients) {
  const folder f;
  const auto db = open_sqlite({.file = f.sample(500), .connections = 1});
  const auto why = [&](const char* sql, const arguments& with) {
    const auto o = run_report(*db, background(), sql, with);
    EXPECT_EQ(o.ec, errc::bad_argument) << sql << o.why;
    return o.why;
  };
  EXPECT_EQ(why("SELECT json($1)", {std::string("{")}), "parameter \"a\": malformed JSON");
  EXPECT_EQ(why("SELECT abs($1), $2", {std::numeric_limits<std::int64_t>::min(), 0.5}),
            "one of the parameters \"a\", \"b\": integer overflow");
  EXPECT_EQ(why("SELECT count(*) FROM items WHERE product LIKE $1", {std::string(300, '%')}),
            "parameter \"a\": LIKE or GLOB pattern too complex");
  EXPECT_EQ(run(*db, background(), "SELECT json('{')").ec, errc::failed) << "whose else?";
  EXPECT_EQ(run_report(*db, background(), "SELECT $1 FROM missing", {0.5}).ec, errc::failed);
  EXPECT_EQ(db->now().dropped, 0U);
}

// The progress handler is asked between instructions, and this is one: it ends late, but as
// stopped.
TEST(sqlite, a_stop_within_one_long_instruction_comes_after_it) {
  const folder f;
  const auto db = open_sqlite({.file = f.sample(500), .connections = 1});
  EXPECT_FALSE(run(*db, background(), "SELECT 1").ec);
  const auto [ctx, cancel] = with_timeout(background(), 20ms);
  const auto o =
      run(*db, ctx,
          "WITH a(x) AS (SELECT replace(hex(zeroblob(50000)), '0', 'y')) SELECT instr(x || x, "
          "substr(x, 1, 15000) || 'z') FROM a");
  EXPECT_EQ(o.ec, hangup::errc::deadline_exceeded) << o.why;
  EXPECT_FALSE(run(*db, background(), "SELECT 1").ec);
  EXPECT_EQ(db->now().dropped, 0U);
}

TEST(shipped_reports, a_text_of_a_client_is_looked_for_as_it_is) {
  const folder f;
  const auto db = open_sqlite({.file = f.sample(2'000)});
  std::ifstream in("config/server.json");
  ASSERT_TRUE(in);
  const auto shipped = nlohmann::json::parse(in);
  const std::string sql = shipped["databases"]["sqlite"]["reports"]["scan"]["sql"];
  const auto products = [&](const std::string& text) {
    const auto o = run_report(*db, background(), sql, {text});
    EXPECT_FALSE(o.ec) << o.why;
    return o.rows.size();
  };
  EXPECT_EQ(products("LaMp"), 1U);
  EXPECT_EQ(products(""), 16U);
  for (const auto* wild : {"_", "%", "l%p", "l_mp", "*", "[a-z]", "%%%%%%%%"}) {
    EXPECT_EQ(products(wild), 0U) << wild;
  }
}

}  // namespace
}  // namespace hangup::query
