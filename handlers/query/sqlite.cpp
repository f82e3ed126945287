#include "handlers/query/sqlite.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "handlers/query/connection_pool.h"
#include "handlers/query/sqlite_connection.h"
#include "handlers/query/sqlite_errors.h"

namespace hangup::query {
namespace {

using link = lease<sqlite_connection>;

void bind_one(sqlite3_stmt* to, int at, const value& v) {
  if (const auto* const integer = std::get_if<std::int64_t>(&v)) {
    sqlite3_bind_int64(to, at, *integer);
  } else if (const auto* const real = std::get_if<double>(&v)) {
    sqlite3_bind_double(to, at, *real);
  } else {
    const auto& text = std::get<std::string>(v);
    sqlite3_bind_text64(to, at, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
}

// To SQLite, $1 is a name and not a number.
std::error_code bind(sqlite3_stmt* to, const arguments& with, std::string& why) {
  for (int at = 1; at <= sqlite3_bind_parameter_count(to); ++at) {
    const char* const name = sqlite3_bind_parameter_name(to, at);
    const std::string_view text = name == nullptr ? "?" : name;
    std::size_t number = 0;
    std::from_chars(text.data() + 1, text.data() + text.size(), number);
    if (text.front() != '$' || number < 1 || number > with.size()) {
      why = "the SQL of the report has " + one_line(text) + ", and it declares " +
            std::to_string(with.size()) + " parameters";
      return errc::failed;
    }
    bind_one(to, at, with[number - 1]);
  }
  return {};
}

class sqlite_running final : public running {
 public:
  sqlite_running(link connection, sqlite3_stmt* statement, const report& what)
      : connection_(std::move(connection)), statement_(statement), what_(what) {}
  ~sqlite_running() override { finish(); }

  std::error_code begin(const context& ctx, const arguments& with, std::string& why) {
    if (const auto ec = bind(statement_, with, why)) {
      return ec;
    }
    const sqlite_connection::attention here(*connection_, ctx, nullptr);
    return step(why);
  }

  std::error_code rows(const context& ctx, row_sink& to, std::string& why) override {
    const auto ec = all_rows(ctx, to, why);
    finish();
    return ec;
  }

 private:
  std::error_code all_rows(const context& ctx, row_sink& to, std::string& why) {
    const sqlite_connection::attention here(*connection_, ctx, &to);
    const auto count = static_cast<std::size_t>(sqlite3_column_count(statement_));
    std::vector<std::string> names(count);
    for (std::size_t i = 0; i < count; ++i) {
      names[i] = sqlite3_column_name(statement_, static_cast<int>(i));
    }
    auto ec = to.columns(ctx, names);
    fields_.resize(count);
    blobs_.resize(count);
    while (!ec && has_row_) {
      read_row();
      ec = to.row(ctx, fields_);
      if (!ec) {
        ec = ctx.done() ? ctx.err() : step(why);
      }
    }
    return ec ? ec : connection_->unchanged(why);
  }

  std::error_code step(std::string& why) {
    const int code = sqlite3_step(statement_);
    has_row_ = code == SQLITE_ROW;
    if (has_row_ || code == SQLITE_DONE) {
      return {};
    }
    const auto ec = connection_->meaning(code, why);
    // SQLite has no special code for a value that a function does not accept. The SQL itself is
    // correct: it has been compiled, and still can be.
    if (ec != errc::failed || what_.parameters.empty() || !meaning_of(code).by_value ||
        !connection_->compiles(sqlite3_sql(statement_))) {
      return ec;
    }
    // Text in quotes or after a colon may come from a row or from the SQL.
    const bool for_all = why.find_first_of("'\":`[") == std::string::npos;
    why = parameters_in_words(what_) + ": " + (for_all ? why : "the value cannot be used");
    return errc::bad_argument;
  }

  void read_row() {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const int at = static_cast<int>(i);
      switch (sqlite3_column_type(statement_, at)) {
        case SQLITE_INTEGER:
          fields_[i] = std::int64_t{sqlite3_column_int64(statement_, at)};
          break;
        case SQLITE_FLOAT:
          fields_[i] = sqlite3_column_double(statement_, at);
          break;
        case SQLITE_TEXT:
          fields_[i] = bytes(sqlite3_column_text(statement_, at), at);
          break;
        case SQLITE_BLOB:
          in_hex(bytes(sqlite3_column_blob(statement_, at), at), blobs_[i]);
          fields_[i] = std::string_view(blobs_[i]);
          break;
        default:
          fields_[i] = std::monostate{};
      }
    }
  }

  std::string_view bytes(const void* from, int at) const {
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, at));
    return from == nullptr ? std::string_view()
                           : std::string_view(static_cast<const char*>(from), size);
  }

  // In the format of PostgreSQL's messages.
  static void in_hex(std::string_view from, std::string& to) {
    constexpr std::string_view digits = "0123456789abcdef";
    to.assign("\\x");
    for (const char c : from) {
      const auto byte = static_cast<unsigned char>(c);
      to.push_back(digits[byte >> 4U]);
      to.push_back(digits[byte & 0xfU]);
    }
  }

  // Afterwards the locks are released, and others may use the connection.
  void finish() noexcept {
    if (statement_ == nullptr) {
      return;
    }
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    statement_ = nullptr;
    if (connection_->fit()) {
      connection_.keep();
    }
    connection_ = link{};
  }

  link connection_;          // given back by finish(), when nothing refers to it any more
  sqlite3_stmt* statement_;  // of the connection; null: the query has ended
  const report& what_;
  bool has_row_ = false;
  std::vector<field> fields_;
  std::vector<std::string> blobs_;
};

class sqlite_database final : public database {
 public:
  explicit sqlite_database(sqlite_options how)
      : how_(std::move(how)), connections_(how_.connections, how_.spare_connections) {}

  std::error_code start(const context& ctx, const report& what, const arguments& with,
                        std::unique_ptr<running>& begun, std::string& why) override {
    return start(ctx, how_.patience, what, with, begun, why);
  }

  std::error_code reachable(const context& ctx, std::string& why) override {
    // If all connections are in use, the database is reachable.
    constexpr std::chrono::milliseconds short_wait{200};
    static const report schema{.name = "", .sql = "SELECT count(*) FROM data.sqlite_schema"};
    std::unique_ptr<running> q;
    return start(ctx, std::min(how_.patience, short_wait), schema, {}, q, why);
  }

  database_stats now() const override { return connections_.now(); }

 private:
  std::error_code start(const context& ctx, std::chrono::milliseconds patience, const report& what,
                        const arguments& with, std::unique_ptr<running>& begun, std::string& why) {
    link connection;
    if (const auto ec = connections_.take(ctx, patience, connection)) {
      why = "no connection came free within " + std::to_string(patience.count()) + " ms";
      return ec;
    }
    if (connection && !connection->is_current()) {
      connection.close();
    }
    sqlite3_stmt* statement = nullptr;
    if (const auto ec = prepare(ctx, connection, what.sql, statement, why)) {
      return ec;
    }
    auto q = std::make_unique<sqlite_running>(std::move(connection), statement, what);
    if (const auto ec = q->begin(ctx, with, why)) {
      return ec;
    }
    begun = std::move(q);
    return {};
  }

  std::error_code prepare(const context& ctx, link& connection, const std::string& sql,
                          sqlite3_stmt*& statement, std::string& why) const {
    if (!connection) {
      auto fresh = std::make_unique<sqlite_connection>(how_.patience, how_.temporary);
      const sqlite_connection::attention here(*fresh, ctx, nullptr);
      if (const auto ec = fresh->open(how_.file, why)) {
        return ec;
      }
      connection.open_with(std::move(fresh));
    }
    const sqlite_connection::attention here(*connection, ctx, nullptr);
    const auto ec = connection->prepare(sql, statement, why);
    if (ec && connection->fit()) {
      connection.keep();
    }
    return ec;
  }

  const sqlite_options how_;
  connection_pool<sqlite_connection> connections_;
};

}  // namespace

std::unique_ptr<database> open_sqlite(sqlite_options how) {
  return std::make_unique<sqlite_database>(std::move(how));
}

}  // namespace hangup::query
