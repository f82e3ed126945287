#include "handlers/query/sqlite_connection.h"

#include <sys/stat.h>

#include <algorithm>

#include "context/wait.h"

namespace hangup::query {
namespace {

using namespace std::chrono_literals;

// What a query may make SQLite hold.
constexpr int most_value_bytes = 1 << 20;  // of one text or blob, and of one row inside SQLite
constexpr int most_columns = 100;

// Reads only; sorts and temporary tables beyond the cache go to files, which have no name. The
// cache is also what is sorted at once, without a look at the context: it is kept small, and the
// file's pages are in the kernel's cache. No mmap: a file cut short by others would be a SIGBUS.
constexpr const char* settings =
    "PRAGMA query_only=1; PRAGMA temp_store=FILE; PRAGMA cache_size=-2048; PRAGMA mmap_size=0;";

bool stat_of(const std::string& file, struct stat& s) noexcept {
  return ::stat(file.c_str(), &s) == 0;
}

}  // namespace

std::error_code sqlite_connection::open(const std::string& file, std::string& why) {
  file_ = file;
  struct stat s {};
  if (stat_of(file_, s)) {
    device_ = s.st_dev;
    inode_ = s.st_ino;
  }
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(
      file.c_str(), &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
      nullptr);
  connection_.reset(opened);
  if (code != SQLITE_OK) {
    why = one_line(sqlite3_errstr(code));
    return errc::unreachable;
  }
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, most_value_bytes);
  sqlite3_limit(opened, SQLITE_LIMIT_COLUMN, most_columns);
  sqlite3_limit(opened, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(opened, SQLITE_LIMIT_WORKER_THREADS, 0);  // they would not look at the context
  if (sqlite3_exec(opened, settings, nullptr, nullptr, nullptr) != SQLITE_OK) {
    why = one_line(sqlite3_errmsg(opened));
    return errc::unreachable;
  }
  sqlite3_progress_handler(
      opened, instructions,
      [](void* self) { return static_cast<sqlite_connection*>(self)->on_progress(); }, this);
  sqlite3_busy_handler(
      opened,
      [](void* self, int tries) { return static_cast<sqlite_connection*>(self)->on_busy(tries); },
      this);
  return {};
}

bool sqlite_connection::is_current() const noexcept {
  struct stat s {};
  return stat_of(file_, s) && s.st_dev == device_ && s.st_ino == inode_;
}

std::error_code sqlite_connection::prepare(const std::string& sql, sqlite3_stmt*& statement,
                                           std::string& why) {
  auto& kept = statements_[sql];
  if (!kept) {
    sqlite3_stmt* fresh = nullptr;
    const char* rest = nullptr;
    const int code =
        sqlite3_prepare_v3(connection_.get(), sql.c_str(), static_cast<int>(sql.size() + 1),
                           SQLITE_PREPARE_PERSISTENT, &fresh, &rest);
    kept.reset(fresh);
    std::error_code ec;
    if (code != SQLITE_OK) {
      ec = meaning(code, why);
    } else if (fresh == nullptr ||
               std::string_view(rest).find_first_not_of(" \t\r\n;") != std::string_view::npos) {
      why = "the SQL of a report is one statement";
      ec = errc::failed;
    } else if (sqlite3_column_count(fresh) == 0 || sqlite3_stmt_readonly(fresh) == 0) {
      why = "the SQL of a report reads, and gives rows";
      ec = errc::failed;
    }
    if (ec) {
      statements_.erase(sql);
      return ec;
    }
  }
  statement = kept.get();
  return {};
}

std::error_code sqlite_connection::meaning(int code, std::string& why) const {
  if (ctx_ != nullptr && ctx_->done()) {
    return ctx_->err();
  }
  if (sink_error_) {
    return sink_error_;
  }
  why = one_line(sqlite3_errmsg(connection_.get()));
  switch (code & 0xff) {  // without what is extended
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return errc::busy;
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_IOERR:
    case SQLITE_NOTADB:
    case SQLITE_PERM:
      fit_ = false;
      return errc::unreachable;
    case SQLITE_NOMEM:
      fit_ = false;
      return errc::failed;
    default:
      return errc::failed;
  }
}

// Called by SQLite in the middle of a step; anything but 0 ends the step.
int sqlite_connection::on_progress() noexcept {
  if (ctx_ == nullptr) {
    return 0;
  }
  if (ctx_->done()) {
    return 1;
  }
  if (sink_ != nullptr) {
    try {
      sink_error_ = sink_->idle(*ctx_);
    } catch (...) {  // it would unwind through SQLite, which is C
      sink_error_ = std::make_error_code(std::errc::not_enough_memory);
    }
  }
  return sink_error_ ? 1 : 0;
}

// Called by SQLite when another connection holds the lock; 0 gives up. There is nothing in the
// kernel to wait for: SQLite's locks are tried, not queued for.
int sqlite_connection::on_busy(int tries) noexcept {
  if (ctx_ == nullptr) {
    return 0;
  }
  const auto now = context::clock::now();
  if (tries == 0) {
    busy_since_ = now;
  }
  const auto left = busy_since_ + patience_ - now;
  if (left <= 0ms) {
    return 0;
  }
  constexpr int doublings = 5;  // 1, 2, 4 ... 32 ms
  const auto pause =
      std::chrono::milliseconds(1U << static_cast<unsigned>(std::min(tries, doublings)));
  return sleep_for(*ctx_, std::min<context::clock::duration>(pause, left)) ? 0 : 1;
}

}  // namespace hangup::query
