#include "bench/engines/engine.h"

#include <libpq-fe.h>
#include <sqlite3.h>

#include <stdexcept>

#include "handlers/query/postgres.h"
#include "handlers/query/sample_database.h"
#include "handlers/query/sqlite.h"

namespace bench {
namespace {

using hangup::query::database;

hangup::server::config::database_t configured(const std::string& file, const std::string& name) {
  return hangup::server::load(file).databases.at(name);
}

// The volatile is for a compiler that sees that nobody reads the sum.
volatile std::size_t unread = 0;

class plain_sqlite {
 public:
  explicit plain_sqlite(const std::string& file) {
    if (sqlite3_open_v2(file.c_str(), &link_, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
                        nullptr) != SQLITE_OK) {
      throw std::runtime_error(file + ": " + sqlite3_errmsg(link_));
    }
  }
  ~plain_sqlite() { sqlite3_close_v2(link_); }
  plain_sqlite(const plain_sqlite&) = delete;
  plain_sqlite& operator=(const plain_sqlite&) = delete;

  std::size_t run(const std::string& sql, std::int64_t argument) {
    auto& statement = statements_[sql];
    if (!statement) {
      sqlite3_stmt* s = nullptr;
      if (sqlite3_prepare_v2(link_, sql.c_str(), -1, &s, nullptr) != SQLITE_OK) {
        throw std::runtime_error(sqlite3_errmsg(link_));
      }
      statement.reset(s);
    }
    sqlite3_bind_int64(statement.get(), 1, argument);  // out of range if it takes none
    std::size_t rows = 0;
    int code = 0;
    while ((code = sqlite3_step(statement.get())) == SQLITE_ROW) {
      ++rows;
      read_row(statement.get());
    }
    sqlite3_reset(statement.get());
    if (code != SQLITE_DONE) {
      throw std::runtime_error(sqlite3_errmsg(link_));
    }
    return rows;
  }

 private:
  static void read_row(sqlite3_stmt* s) {
    std::size_t bytes = 0;
    for (int i = 0; i < sqlite3_column_count(s); ++i) {
      switch (sqlite3_column_type(s, i)) {
        case SQLITE_INTEGER:
          bytes += static_cast<std::size_t>(sqlite3_column_int64(s, i));
          break;
        case SQLITE_FLOAT:
          bytes += static_cast<std::size_t>(sqlite3_column_double(s, i));
          break;
        default:
          if (sqlite3_column_text(s, i) != nullptr) {
            bytes += static_cast<std::size_t>(sqlite3_column_bytes(s, i));
          }
      }
    }
    unread = bytes;
  }

  struct finalize {
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };
  sqlite3* link_ = nullptr;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, finalize>> statements_;
};

class plain_postgres {
 public:
  explicit plain_postgres(const std::string& conninfo) : link_(PQconnectdb(conninfo.c_str())) {
    check(PQstatus(link_) == CONNECTION_OK);
  }
  ~plain_postgres() { PQfinish(link_); }
  plain_postgres(const plain_postgres&) = delete;
  plain_postgres& operator=(const plain_postgres&) = delete;

  std::size_t run(const std::string& sql, std::int64_t argument) {
    const auto text = std::to_string(argument);
    const char* const values[] = {text.c_str()};
    const int takes = sql.find("$1") == sql.npos ? 0 : 1;
    auto& name = statements_[sql];
    if (name.empty()) {
      name = "s" + std::to_string(statements_.size());
      PGresult* const r = PQprepare(link_, name.c_str(), sql.c_str(), 0, nullptr);
      check(PQresultStatus(r) == PGRES_COMMAND_OK);
      PQclear(r);
    }
    check(PQsendQueryPrepared(link_, name.c_str(), takes, values, nullptr, nullptr, 0) == 1);
    check(PQsetSingleRowMode(link_) == 1);
    std::size_t rows = 0;
    while (PGresult* const r = PQgetResult(link_)) {
      const auto status = PQresultStatus(r);
      check(status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK);
      if (status == PGRES_SINGLE_TUPLE) {
        ++rows;
        std::size_t bytes = 0;
        for (int i = 0; i < PQnfields(r); ++i) {
          bytes += static_cast<std::size_t>(PQgetlength(r, 0, i));
        }
        unread = bytes;
      }
      PQclear(r);
    }
    return rows;
  }

 private:
  void check(bool holds) const {
    if (!holds) {
      throw std::runtime_error(PQerrorMessage(link_));
    }
  }

  PGconn* link_;
  std::map<std::string, std::string> statements_;
};

}  // namespace

const hangup::query::report& engine::report(const std::string& called) const {
  return how.reports.at(called);
}

engine sqlite_engine() {
  engine e{
      .name = "SQLite", .how = configured("config/server.json", "sqlite"), .open = {}, .plain = {}};
  std::string why;
  if (hangup::query::make_sample(
          hangup::background(), e.how.file, e.how.sample_rows, [](unsigned) {}, why)) {
    throw std::runtime_error(e.how.file + ": " + why);
  }
  e.open = [file = e.how.file](std::size_t connections) {
    return hangup::query::open_sqlite(
        {.file = file, .connections = connections, .patience = std::chrono::minutes(5)});
  };
  e.plain = [file = e.how.file, kept = std::shared_ptr<plain_sqlite>()](
                const std::string& sql, std::int64_t argument) mutable {
    if (!kept) {
      kept = std::make_shared<plain_sqlite>(file);
    }
    return kept->run(sql, argument);
  };
  return e;
}

engine postgres_engine(const std::string& conninfo) {
  engine e{.name = "PostgreSQL",
           .how = configured("config/postgres.json", "pg"),
           .open = {},
           .plain = {}};
  e.remote = true;
  e.open = [conninfo](std::size_t connections) -> std::unique_ptr<database> {
    return std::make_unique<hangup::query::postgres>(
        hangup::query::postgres_options{.conninfo = conninfo,
                                        .connections = connections,
                                        .acquire_timeout = std::chrono::minutes(5)});
  };
  e.plain = [conninfo, kept = std::shared_ptr<plain_postgres>()](const std::string& sql,
                                                                 std::int64_t argument) mutable {
    if (!kept) {
      kept = std::make_shared<plain_postgres>(conninfo);
    }
    return kept->run(sql, argument);
  };
  return e;
}

}  // namespace bench
