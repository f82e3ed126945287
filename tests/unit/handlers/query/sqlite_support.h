// SQLite files for tests, and a sink that keeps what it gets.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <string>
#include <vector>

#include "handlers/query/sample_database.h"
#include "handlers/query/sqlite.h"
#include "tests/support/patience.h"
#include "tests/support/resources.h"
#include "tests/support/temporary_directory.h"

namespace hangup::query {

using namespace std::chrono_literals;

// A folder for databases.
class folder : public test::temporary_directory {
 public:
  std::string sample(std::uint64_t rows = 20'000) const {
    const auto file = *this / "sample.db";
    std::string why;
    EXPECT_FALSE(make_sample(
        background(), file, rows, [](unsigned) {}, why))
        << why;
    return file;
  }
  std::size_t files() const { return test::entries(path()); }
};

// Somebody else's connection, for writing.
class other_writer {
 public:
  explicit other_writer(const std::string& file) { sqlite3_open(file.c_str(), &c_); }
  ~other_writer() { sqlite3_close(c_); }
  other_writer(const other_writer&) = delete;
  other_writer& operator=(const other_writer&) = delete;
  void run(const char* sql) const {
    EXPECT_EQ(sqlite3_exec(c_, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(c_);
  }

 private:
  sqlite3* c_ = nullptr;
};

class kept_rows final : public row_sink {
 public:
  std::error_code columns(const context&, std::span<const std::string> n) override {
    names.assign(n.begin(), n.end());
    return {};
  }
  std::error_code row(const context&, std::span<const field> fields) override {
    std::string line;
    for (const auto& f : fields) {
      line += line.empty() ? "" : "|";
      if (const auto* const i = std::get_if<std::int64_t>(&f)) {
        line += "i" + std::to_string(*i);
      } else if (const auto* const r = std::get_if<double>(&f)) {
        line += "r" + std::to_string(*r);
      } else if (const auto* const t = std::get_if<std::string_view>(&f)) {
        line.append("t").append(*t);
      } else {
        line += "null";
      }
    }
    rows.push_back(line);
    return {};
  }
  std::error_code idle(const context&) override { return {}; }

  std::vector<std::string> names;
  std::vector<std::string> rows;
};

struct outcome {
  std::error_code ec;
  std::string why;
  std::vector<std::string> rows;
};

inline outcome run(database& db, const context& ctx, const std::string& sql,
                   const arguments& with = {}) {
  outcome o;
  std::unique_ptr<running> q;
  kept_rows rows;
  o.ec = db.start(ctx, report{"r", "", sql, {}}, with, q, o.why);
  if (!o.ec) {
    o.ec = q->rows(ctx, rows, o.why);
  }
  o.rows = rows.rows;
  return o;
}

}  // namespace hangup::query
