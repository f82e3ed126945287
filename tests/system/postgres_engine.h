// The PostgreSQL engine in process, on a real server that the tests of a program share: reports,
// what becomes of them, and the fixture.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>

#include "handlers/query/postgres.h"
#include "hangup/http/causes.h"
#include "tests/system/postgres_fixture.h"

namespace hangup::system_test {

using clock = context::clock;
using query::arguments;
using query::errc;
using query::postgres;
using query::postgres_options;
using query::report;
using query::settled;

inline const query::parameter whole{.name = "n", .allowed = query::integer_range{0, 1'000'000'000}};

inline const report nap{.name = "nap", .sql = "SELECT pg_sleep($1)", .parameters = {whole}};
inline const report join{.name = "join", .sql = "SELECT count(*) FROM items a, items b, items c"};
inline const report crunch{.name = "crunch",
                           .sql =
                               "WITH RECURSIVE r(n) AS (SELECT 1::bigint UNION ALL SELECT n * 7 % "
                               "1000003 FROM r) SELECT count(*) FROM r"};
inline const report sort{
    .name = "sort",
    .sql = "SELECT md5(g::text) AS h FROM generate_series(1, 20000000) g ORDER BY 1"};
inline const report stream{
    .name = "stream",
    .sql = "SELECT generate_series(1, $1::bigint) AS n, repeat('x', 200) AS pad",
    .parameters = {whole}};
inline const report one{
    .name = "one", .sql = "SELECT id, name FROM customers WHERE id = $1", .parameters = {whole}};
inline const report lock{
    .name = "lock", .sql = "SELECT id FROM orders WHERE id = $1 FOR UPDATE", .parameters = {whole}};

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

inline std::error_code ask(postgres& db, const context& ctx, const report& r, const arguments& with,
                           query::row_sink& to, std::string& why) {
  std::unique_ptr<query::running> q;
  const auto ec = db.start(ctx, r, with, q, why);
  return ec ? ec : q->rows(ctx, to, why);
}

// An innocent question, and whether the answer is right.
inline bool right(postgres& db, std::int64_t id, std::string& why) {
  kept_rows rows;
  const auto ec = ask(db, background(), one, {id}, rows, why);
  if (ec) {
    why = ec.message() + ": " + why;
  }
  return !ec && rows.values == std::vector<std::string>{"integer " + std::to_string(id),
                                                        "text customer-" + std::to_string(id)};
}

class postgres_engine : public with_postgres {
 protected:
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
    cancel({.kind = http::causes::client_closed});
    request.join();
    EXPECT_EQ(ec, hangup::errc::canceled) << why;
    EXPECT_TRUE(server_->becomes(active, "0"));
  }

  // Sleeps in the server until the context ends. Returns when it is asleep.
  std::thread nap_until(const context& ctx, postgres& db) {
    std::thread asleep([&db, ctx] {
      kept_rows rows;
      std::string why;
      EXPECT_EQ(ask(db, ctx, nap, {std::int64_t{600}}, rows, why), hangup::errc::canceled);
    });
    EXPECT_TRUE(server_->becomes(active, "1"));
    return asleep;
  }
  // The process of the statement that runs.
  static int busy_process() {
    return std::stoi(server_->ask(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'hangup' AND state = 'active'"));
  }

  notes told_;
  std::string why_;
};

}  // namespace hangup::system_test
