#include "handlers/query/sample_database.h"

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

#include "handlers/query/database.h"
#include "handlers/query/sqlite_connection.h"
#include "handlers/search/locked_file.h"
#include "handlers/search/sample_words.h"

namespace hangup::query {
namespace {

using namespace samples;

constexpr const char* tables = R"(
PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-16384;
CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL,
                       country TEXT NOT NULL, since TEXT NOT NULL);
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL, ordered TEXT NOT NULL,
                    status TEXT NOT NULL);
CREATE TABLE items(order_id INTEGER NOT NULL, product TEXT NOT NULL, quantity INTEGER NOT NULL,
                   cents INTEGER NOT NULL);
BEGIN;)";
constexpr const char* indexes =
    "CREATE INDEX orders_by_customer ON orders(customer_id);"
    "CREATE INDEX items_by_order ON items(order_id); COMMIT;";

constexpr std::array<std::string_view, 4> states = {"paid", "shipped", "delivered", "returned"};

// One random number per statement, here and below, because compilers evaluate arguments in
// different orders.
std::string day(dice& d) {
  const auto day = static_cast<unsigned>(1 + d.below(28));
  const auto month = static_cast<unsigned>(1 + d.below(12));
  const auto year = static_cast<unsigned>(16 + d.below(10));
  std::array<char, 16> text;
  const auto n = std::snprintf(text.data(), text.size(), "20%02u-%02u-%02u", year, month, day);
  return {text.data(), static_cast<std::size_t>(n)};
}

// The file while it is being made: a connection, and the first error.
class maker {
 public:
  explicit maker(const std::string& file) {
    sqlite3* opened = nullptr;
    code_ =
        sqlite3_open_v2(file.c_str(), &opened,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    to_.reset(opened);
  }

  void run(const char* sql) {
    if (good()) {
      code_ = sqlite3_exec(to_.get(), sql, nullptr, nullptr, nullptr);
    }
  }

  // An INSERT statement that is used for many rows.
  class insert {
   public:
    insert(maker& to, const char* sql) : to_(to) {
      if (to_.good()) {
        to_.code_ = sqlite3_prepare_v2(to_.to_.get(), sql, -1, &statement_, nullptr);
      }
    }
    ~insert() { sqlite3_finalize(statement_); }
    insert(const insert&) = delete;
    insert& operator=(const insert&) = delete;

    template <class... V>
    void row(const V&... values) {
      if (to_.good()) {
        int at = 0;
        (bind(++at, values), ...);
        sqlite3_step(statement_);
        to_.code_ = sqlite3_reset(statement_);
      }
    }

   private:
    void bind(int at, std::uint64_t v) {
      sqlite3_bind_int64(statement_, at, static_cast<sqlite3_int64>(v));
    }
    void bind(int at, std::string_view v) {
      sqlite3_bind_text64(statement_, at, v.data(), v.size(), SQLITE_STATIC, SQLITE_UTF8);
    }

    maker& to_;
    sqlite3_stmt* statement_ = nullptr;
  };

  bool good() const noexcept { return code_ == SQLITE_OK; }
  std::string error_text() const { return one_line(sqlite3_errmsg(to_.get())); }
  bool close() {
    sqlite3* const c = to_.release();
    if (sqlite3_close(c) != SQLITE_OK) {
      to_.reset(c);
      return false;
    }
    return true;
  }

 private:
  struct closer {
    void operator()(sqlite3* c) const noexcept { sqlite3_close_v2(c); }
  };
  std::unique_ptr<sqlite3, closer> to_;
  int code_ = SQLITE_OK;
};

class sample {
 public:
  sample(const context& ctx, std::uint64_t rows, const std::function<void(unsigned)>& progress)
      : ctx_(ctx), rows_(std::max<std::uint64_t>(rows, 100)), progress_(progress) {}

  void fill(maker& to) {
    const auto customers = rows_ / 50;
    const auto orders = rows_ * 49 / 200;
    to.run(tables);
    maker::insert customer(to, "INSERT INTO customers VALUES(?,?,?,?,?)");
    for (std::uint64_t id = 1; goes_on(to) && id <= customers; ++id) {
      dice d(1, id);
      const auto family = d.of(last_names);
      const auto name = std::string(d.of(first_names)).append(" ").append(family);
      const auto& where = d.of(cities);
      const auto since = day(d);
      customer.row(id, std::string_view(name), where.city, where.country, std::string_view(since));
    }
    maker::insert order(to, "INSERT INTO orders VALUES(?,?,?,?)");
    maker::insert item(to, "INSERT INTO items VALUES(?,?,?,?)");
    for (std::uint64_t id = 1; goes_on(to) && id <= orders; ++id) {
      dice d(2, id);
      const auto when = day(d);
      const auto state = d.of(states);
      const auto by = 1 + d.below(customers);
      order.row(id, by, std::string_view(when), state);
      for (auto n = 1 + d.below(5); n > 0; --n) {
        const auto which = d.below(products.size());
        const auto cents = (which + 1) * 499 + d.below(100);
        const auto quantity = 1 + d.below(9);
        item.row(id, products[which], quantity, cents);
        static_cast<void>(goes_on(to));
      }
    }
    if (!ctx_.done()) {
      to.run(indexes);
    }
  }

 private:
  // Counts a row.
  bool goes_on(const maker& to) {
    const auto percent = static_cast<unsigned>(std::min<std::uint64_t>(done_++ * 90 / rows_, 90));
    if (percent != told_) {  // the remaining percents are for the indexes
      told_ = percent;
      progress_(percent);
    }
    return to.good() && !ctx_.done();
  }

  const context& ctx_;
  const std::uint64_t rows_;
  const std::function<void(unsigned)>& progress_;
  std::uint64_t done_ = 0;
  unsigned told_ = 0;
};

std::error_code last_error() noexcept {
  return {errno, std::generic_category()};
}

bool exists(const std::string& file) noexcept {
  return ::access(file.c_str(), F_OK) == 0;
}

}  // namespace

std::error_code make_sample(const context& ctx, const std::string& file, std::uint64_t rows,
                            const std::function<void(unsigned)>& progress, std::string& why) {
  if (exists(file)) {
    return {};
  }
  const auto failed = [&why](std::error_code ec) {
    why = ec.message();
    return ec;
  };
  const auto making = file + ".making";
  locked_file held;
  if (const auto ec = held.open(ctx, making)) {
    return failed(ec);
  }
  if (exists(file)) {  // made by another process meanwhile
    ::unlink(making.c_str());
    return {};
  }
  if (::ftruncate(held.get(), 0) != 0) {
    return failed(last_error());
  }
  configure_sqlite();
  progress(0);
  maker to(making);
  sample(ctx, rows, progress).fill(to);
  if (const auto ended = ctx.err()) {
    ::unlink(making.c_str());
    return failed(ended);
  }
  if (!to.good() || !to.close()) {
    why = to.error_text();
    ::unlink(making.c_str());
    return errc::failed;
  }
  if (::fsync(held.get()) != 0 || ::rename(making.c_str(), file.c_str()) != 0) {
    const auto ec = last_error();
    ::unlink(making.c_str());
    return failed(ec);
  }
  progress(100);
  return {};
}

}  // namespace hangup::query
