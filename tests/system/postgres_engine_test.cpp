// The PostgreSQL engine against a real server, in process: what is hung up on ends in the server,
// its connection comes back, and nobody else is hit.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>

#include "context/wait.h"
#include "handlers/query/postgres.h"
#include "tests/system/postgres_server.h"
#include "tests/wire/memory.h"

namespace hangup::system_test {
namespace {

using clock = context::clock;
using query::arguments;
using query::errc;
using query::postgres;
using query::postgres_options;
using query::report;
using query::settled;

const query::parameter whole{.name = "n", .allowed = query::integer_range{0, 1'000'000'000}};

const report nap{.name = "nap", .sql = "SELECT pg_sleep($1)", .parameters = {whole}};
const report join{.name = "join", .sql = "SELECT count(*) FROM items a, items b, items c"};
const report crunch{.name = "crunch",
                    .sql =
                        "WITH RECURSIVE r(n) AS (SELECT 1::bigint UNION ALL SELECT n * 7 % "
                        "1000003 FROM r) SELECT count(*) FROM r"};
const report sort{.name = "sort",
                  .sql = "SELECT md5(g::text) AS h FROM generate_series(1, 20000000) g ORDER BY 1"};
const report stream{.name = "stream",
                    .sql = "SELECT generate_series(1, $1::bigint) AS n, repeat('x', 200) AS pad",
                    .parameters = {whole}};
const report one{
    .name = "one", .sql = "SELECT id, name FROM customers WHERE id = $1", .parameters = {whole}};
const report lock{
    .name = "lock", .sql = "SELECT id FROM orders WHERE id = $1 FOR UPDATE", .parameters = {whole}};

// Statements of ours that the server runs now.
const std::string active =
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hangup' AND state <> 'idle'";
const std::string ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hangup'";

// Keeps what comes, as text; `each` runs at every row.
class kept_rows final : public query::row_sink {
 public:
  std::error_code columns(const context&, std::span<const std::string> n) override {
    names.assign(n.begin(), n.end());
    return {};
  }
  std::error_code row(const context& ctx, std::span<const query::field> fields) override {
    ++count;
    if (each) {
      return each(ctx);
    }
    for (const auto& f : fields) {
      if (const auto* const n = std::get_if<std::int64_t>(&f)) {
        values.push_back("integer " + std::to_string(*n));
      } else if (const auto* const d = std::get_if<double>(&f)) {
        values.push_back("real " + std::to_string(*d));
      } else if (const auto* const t = std::get_if<std::string_view>(&f)) {
        values.push_back("text " + std::string(*t));
      } else {
        values.emplace_back("null");
      }
    }
    return {};
  }
  std::error_code idle(const context&) override {
    ++idles;
    return {};
  }

  std::vector<std::string> names;
  std::vector<std::string> values;
  std::function<std::error_code(const context&)> each;
  std::size_t count = 0;
  std::size_t idles = 0;
};

// What settlers tell.
class notes {
 public:
  void take(const settled& s) {
    const std::lock_guard hold(mutex_);
    all_.push_back(s);
    changed_.notify_all();
  }
  std::vector<settled> wait_for(std::size_t n) {
    std::unique_lock hold(mutex_);
    changed_.wait_for(hold, patience, [&] { return all_.size() >= n; });
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<settled> all_;
};

std::error_code ask(postgres& db, const context& ctx, const report& r, const arguments& with,
                    query::row_sink& to, std::string& why) {
  std::unique_ptr<query::running> q;
  const auto ec = db.start(ctx, r, with, q, why);
  return ec ? ec : q->rows(ctx, to, why);
}

// An innocent question, and whether the answer is right.
bool right(postgres& db, std::int64_t id, std::string& why) {
  kept_rows rows;
  const auto ec = ask(db, background(), one, {id}, rows, why);
  if (ec) {
    why = ec.message() + ": " + why;
  }
  return !ec && rows.values == std::vector<std::string>{"integer " + std::to_string(id),
                                                        "text customer-" + std::to_string(id)};
}

class postgres_engine : public testing::Test {
 protected:
  void SetUp() override {
    if (!postgres_server::is_installed()) {
      ASSERT_EQ(std::getenv("CI"), nullptr) << "no PostgreSQL server is installed";
      GTEST_SKIP() << "to run this test: apt-get install postgresql";
    }
    if (!server_) {
      server_ = std::make_unique<postgres_server>();
    }
    ASSERT_TRUE(server_->becomes(ours, "0"));
  }
  static void TearDownTestSuite() { server_.reset(); }

  postgres_options options(std::size_t connections = 4) const {
    return {.conninfo = server_->conninfo(),
            .connections = connections,
            .connect_timeout = 10s,
            .acquire_timeout = 20s,
            .settle_timeout = 10s};
  }

  // Runs the report until the server is at it, hangs up, and expects that it ends.
  void hang_up_on(postgres& db, const report& r, const arguments& with) {
    const auto [ctx, cancel] = with_cancel(background());
    std::error_code ec;
    std::string why;
    std::thread request([&, ctx = ctx] {
      kept_rows rows;
      ec = ask(db, ctx, r, with, rows, why);
    });
    EXPECT_TRUE(server_->becomes(active, "1"));
    cancel({.kind = cause_kind::client_closed});
    request.join();
    EXPECT_EQ(ec, hangup::errc::canceled) << why;
    EXPECT_TRUE(server_->becomes(active, "0"));
  }

  static inline std::unique_ptr<postgres_server> server_;  // starting one takes seconds
  notes told_;
  std::string why_;
};

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

TEST_F(postgres_engine, binds_arguments_and_prepares_each_report_once) {
  postgres db(options(1));
  for (std::int64_t id = 1; id <= 20; ++id) {
    ASSERT_TRUE(right(db, id, why_)) << why_;
  }
  kept_rows rows;
  const report hostile{.name = "by_name", .sql = "SELECT count(*) FROM customers WHERE name = $1"};
  ASSERT_FALSE(ask(db, background(), hostile, {std::string("x' OR true; --")}, rows, why_)) << why_;
  EXPECT_EQ(rows.values, std::vector<std::string>{"integer 0"});
  rows.values.clear();
  const report prepared{.name = "prepared",
                        .sql =
                            "SELECT sum(generic_plans + custom_plans)::int8 FROM "
                            "pg_prepared_statements WHERE name = 'one'"};
  ASSERT_FALSE(ask(db, background(), prepared, {}, rows, why_)) << why_;
  EXPECT_EQ(rows.values, std::vector<std::string>{"integer 20"});
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

TEST_F(postgres_engine, prepares_anew_what_the_tables_no_longer_fit) {
  postgres db(options(1));
  kept_rows rows;
  const report all{.name = "all", .sql = "SELECT * FROM customers WHERE id = 1"};
  ASSERT_FALSE(ask(db, background(), all, {}, rows, why_)) << why_;
  server_->ask("ALTER TABLE customers ADD COLUMN until date");
  EXPECT_EQ(ask(db, background(), all, {}, rows, why_), errc::failed);
  ASSERT_FALSE(ask(db, background(), all, {}, rows, why_)) << why_;
  EXPECT_EQ(rows.names.back(), "until");
}

TEST_F(postgres_engine, ends_every_kind_of_statement_in_the_server) {
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
  const auto pid = std::stoi(server_->ask(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'hangup' AND state = 'active'"));
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
  std::thread request([&, ctx = ctx] {
    kept_rows rows;
    std::string why;
    EXPECT_EQ(ask(db, ctx, nap, {std::int64_t{600}}, rows, why), hangup::errc::canceled);
  });
  ASSERT_TRUE(server_->becomes(active, "1"));
  const auto pid = std::stoi(server_->ask(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'hangup' AND state = 'active'"));
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
  std::uint64_t counted = 0;
  for (const auto n : stats.idle.counts) {
    counted += n;
  }
  EXPECT_EQ(counted, all.size());
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
  std::thread holder([&, ctx = ctx] {
    kept_rows rows;
    std::string why;
    EXPECT_EQ(ask(db, ctx, nap, {std::int64_t{600}}, rows, why), hangup::errc::canceled);
  });
  ASSERT_TRUE(server_->becomes(active, "1"));
  kept_rows rows;
  EXPECT_EQ(ask(db, background(), one, {std::int64_t{1}}, rows, why_), errc::busy);
  EXPECT_EQ(db.reachable(background(), why_), errc::busy);
  cancel();
  holder.join();
}

TEST_F(postgres_engine, a_hang_up_while_it_waits_for_a_connection_takes_none) {
  postgres db(options(1));
  const auto [ctx, cancel] = with_cancel(background());
  std::thread holder([&, ctx = ctx] {
    kept_rows rows;
    std::string why;
    EXPECT_EQ(ask(db, ctx, nap, {std::int64_t{600}}, rows, why), hangup::errc::canceled);
  });
  ASSERT_TRUE(server_->becomes(active, "1"));
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
      before = wire::heap_in_use();
    } else if (rows.count > 1000 && rows.count % 1000 == 0) {
      most = std::max(most, wire::heap_in_use());
    }
    if (rows.count == 300'000) {  // 60 MB later it stops reading, and leaves
      std::thread leaver([&] {
        EXPECT_TRUE(
            server_->becomes("SELECT wait_event FROM pg_stat_activity WHERE "
                             "application_name = 'hangup'",
                             "ClientWrite"));
        cancel();
      });
      const auto ec = wait_done(c);
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

TEST_F(postgres_engine, tells_the_sink_that_nothing_has_come_for_a_while) {
  postgres db(options(1));
  kept_rows rows;
  const report slow{.name = "slow",
                    .sql = "SELECT repeat('x', 9000), pg_sleep(0.05) FROM generate_series(1, 5)"};
  ASSERT_FALSE(ask(db, background(), slow, {}, rows, why_)) << why_;
  EXPECT_EQ(rows.count, 5U);
  EXPECT_GE(rows.idles, 3U);
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

// Accepts connections, as far as the kernel does, and says nothing.
class silent_listener {
 public:
  silent_listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    static_cast<void>(::bind(fd_, reinterpret_cast<sockaddr*>(&at), size));
    ::listen(fd_, 8);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
  }
  ~silent_listener() { ::close(fd_); }
  silent_listener(const silent_listener&) = delete;
  silent_listener& operator=(const silent_listener&) = delete;

  std::string conninfo() const {
    return "host=127.0.0.1 user=nobody password=secret port=" + std::to_string(port_);
  }
  int accept() const { return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); }

 private:
  int fd_;
  int port_ = 0;
};

TEST(postgres_connecting, ends_with_a_hang_up) {
  const silent_listener listener;
  postgres db({.conninfo = listener.conninfo(), .connections = 1, .connect_timeout = 60s});
  const auto [ctx, cancel] = with_cancel(background());
  std::thread request([&, ctx = ctx] {
    kept_rows rows;
    std::string why;
    EXPECT_EQ(ask(db, ctx, one, {std::int64_t{1}}, rows, why), hangup::errc::canceled);
  });
  const int client = listener.accept();
  cancel();
  request.join();
  ::close(client);
  EXPECT_EQ(db.now().connections, 0U);
  EXPECT_EQ(db.now().in_use, 0U);
}

TEST(postgres_connecting, has_a_budget) {
  const silent_listener listener;
  postgres db({.conninfo = listener.conninfo(), .connections = 1, .connect_timeout = 100ms});
  kept_rows rows;
  std::string why;
  EXPECT_EQ(ask(db, background(), one, {std::int64_t{1}}, rows, why), errc::unreachable);
  EXPECT_EQ(why, "no answer within 100 ms");
}

TEST(postgres_connecting, says_who_is_not_there_and_never_the_password) {
  postgres db({.conninfo = "host=127.0.0.1 port=1 user=nobody password=secret"});
  std::string why;
  EXPECT_EQ(db.reachable(background(), why), errc::unreachable);
  EXPECT_NE(why.find("Connection refused"), std::string::npos) << why;
  EXPECT_EQ(why.find("secret"), std::string::npos) << why;
}

TEST(postgres_connecting, knows_a_connection_string) {
  for (const auto* good : {"", "host=/tmp dbname=x", "postgresql://user:pw@host:5432/db"}) {
    EXPECT_TRUE(query::is_conninfo(good)) << good;
  }
  for (const auto* bad : {"host", "hots=x", "postgresql://[::1"}) {
    EXPECT_FALSE(query::is_conninfo(bad)) << bad;
  }
}

}  // namespace
}  // namespace hangup::system_test
