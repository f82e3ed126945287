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

// The file is attached to an empty database in memory, because a sort takes as much at once as the
// cache of the first database has room for, and does not look at the context meanwhile: 64 KiB are
// sorted in about a millisecond. What is beyond that, and temporary tables, go to files that have
// no name. No mmap: a file that others cut short would be a SIGBUS.
constexpr int sorted_at_once = 16;  // pages of 4 KiB
constexpr const char* settings =
    "PRAGMA query_only=1; PRAGMA temp_store=FILE; PRAGMA main.cache_size=-64;"
    "PRAGMA data.cache_size=-4096; PRAGMA data.mmap_size=0;";

std::string read_only_uri(const std::string& file) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : file) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '?' || c == '#' || c == '%') {
      uri.append({'%', hex[byte >> 4U], hex[byte & 0xfU]});
    } else {
      uri.push_back(c);
    }
  }
  return uri + "?mode=ro";
}

bool stat_of(const std::string& file, struct stat& s) noexcept {
  return ::stat(file.c_str(), &s) == 0;
}

}  // namespace

void configure_sqlite() {
  static const int done = sqlite3_config(SQLITE_CONFIG_PMASZ, sorted_at_once);
  static_cast<void>(done);
}

std::error_code sqlite_connection::open(const std::string& file, std::string& why) {
  configure_sqlite();
  file_ = file;
  struct stat s {};
  if (stat_of(file_, s)) {
    device_ = s.st_dev;
    inode_ = s.st_ino;
  }
  const char* const files = bounded_files();
  if (files == nullptr) {
    why = "no temporary file can be made";
    return errc::unreachable;
  }
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(
      ":memory:", &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, files);
  connection_.reset(opened);
  if (code != SQLITE_OK) {
    why = one_line(sqlite3_errstr(code));
    return errc::unreachable;
  }
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_progress_handler(
      opened, instructions,
      [](void* self) { return static_cast<sqlite_connection*>(self)->on_progress(); }, this);
  sqlite3_busy_handler(
      opened,
      [](void* self, int tries) { return static_cast<sqlite_connection*>(self)->on_busy(tries); },
      this);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, most_value_bytes);
  sqlite3_limit(opened, SQLITE_LIMIT_COLUMN, most_columns);
  sqlite3_limit(opened, SQLITE_LIMIT_WORKER_THREADS, 0);  // they would not look at the context
  if (const auto ec = attach(file, why)) {
    return ec;
  }
  sqlite3_limit(opened, SQLITE_LIMIT_ATTACHED, 0);
  const int set = sqlite3_exec(opened, settings, nullptr, nullptr, nullptr);
  return set == SQLITE_OK ? std::error_code{} : meaning(set, why);
}

std::error_code sqlite_connection::attach(const std::string& file, std::string& why) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(connection_.get(), "ATTACH $1 AS data", -1, &statement, nullptr);
  const std::unique_ptr<sqlite3_stmt, closer> held(statement);
  if (code == SQLITE_OK) {
    const auto uri = read_only_uri(file);
    sqlite3_bind_text64(statement, 1, uri.data(), uri.size(), SQLITE_STATIC, SQLITE_UTF8);
    code = sqlite3_step(statement);
    if (code == SQLITE_DONE) {
      return {};
    }
  }
  return meaning(code, why);
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
      why = sqlite3_errstr(code & 0xff);  // the message may have the path in it
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
