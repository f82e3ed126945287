#include "handlers/query/sqlite_connection.h"

#include <algorithm>

#include "handlers/query/sqlite_errors.h"
#include "hangup/context/wait.h"

namespace hangup::query {
namespace {

using namespace std::chrono_literals;

// Limits on the memory that a query can make SQLite use.
constexpr int most_value_bytes = 1 << 20;  // of one text or blob, and of one row inside SQLite
constexpr int most_columns = 100;
// LIKE and GLOB may take as many steps as the product of the lengths of value and pattern, and the
// context is not checked meanwhile.
constexpr int most_pattern_bytes = 256;

// The file is attached to an empty database in memory. The reason: SQLite sorts as much at a time
// as fits into the cache of the first database, without checking the context meanwhile; 64 KiB take
// about a millisecond. Larger sorts and temporary tables use files without a name. No mmap, because
// another process that truncates the file would cause a SIGBUS.
constexpr int sorted_at_once = 16;  // pages of 4 KiB
constexpr const char* settings =
    "PRAGMA query_only=1; PRAGMA temp_store=FILE; PRAGMA main.cache_size=-64;"
    "PRAGMA data.cache_size=-4096; PRAGMA data.mmap_size=0;"
    "PRAGMA data.schema_version;";  // reads the file, to see whether that is possible

std::string read_only_uri(const std::string& file, bool immutable) {
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
  return uri + (immutable ? "?mode=ro&immutable=1" : "?mode=ro");
}

// Whether SQLite may have failed because it has to write where it must not: a file in WAL mode.
bool lacks_files(int code) noexcept {
  const int primary = code & 0xff;
  return (primary == SQLITE_READONLY && code != SQLITE_READONLY_ROLLBACK) ||
         primary == SQLITE_CANTOPEN;
}

}  // namespace

void configure_sqlite() {
  static const int done = sqlite3_config(SQLITE_CONFIG_PMASZ, sorted_at_once);
  static_cast<void>(done);
}

std::error_code sqlite_connection::open(const std::string& file, std::string& why) {
  configure_sqlite();
  file_ = file;
  opened_ = file_state::of(file_);
  if (opened_.exists && !opened_.is_regular()) {
    why = "it is not a regular file";
    return errc::unreachable;
  }
  const char* const files = bounded_files();
  if (files == nullptr) {
    why = "no temporary file can be made";
    return errc::busy;
  }
  int code = open_as(false, files);
  if (lacks_files(code) && opened_.is_complete()) {
    code = open_as(true, files);
  } else if (lacks_files(code) && opened_.has_wal) {
    code = SQLITE_CANTOPEN_DIRTYWAL;
  }
  return code == SQLITE_OK ? std::error_code{} : meaning(code, why);
}

int sqlite_connection::open_as(bool immutable, const char* files) {
  immutable_ = immutable;
  sqlite3* opened = nullptr;
  int code = sqlite3_open_v2(":memory:", &opened,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, files);
  connection_.reset(opened);
  if (code != SQLITE_OK) {
    return code;
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
  sqlite3_limit(opened, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, most_pattern_bytes);
  sqlite3_limit(opened, SQLITE_LIMIT_COLUMN, most_columns);
  // Worker threads would not check the context.
  sqlite3_limit(opened, SQLITE_LIMIT_WORKER_THREADS, 0);
  code = attach(immutable);
  sqlite3_limit(opened, SQLITE_LIMIT_ATTACHED, 0);
  return code == SQLITE_OK ? sqlite3_exec(opened, settings, nullptr, nullptr, nullptr) : code;
}

int sqlite_connection::attach(bool immutable) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(connection_.get(), "ATTACH $1 AS data", -1, &statement, nullptr);
  const std::unique_ptr<sqlite3_stmt, closer> held(statement);
  if (code != SQLITE_OK) {
    return code;
  }
  const auto uri = read_only_uri(file_, immutable);
  sqlite3_bind_text64(statement, 1, uri.data(), uri.size(), SQLITE_STATIC, SQLITE_UTF8);
  const int done = sqlite3_step(statement);
  return done == SQLITE_DONE ? SQLITE_OK : done;
}

bool sqlite_connection::is_current() const noexcept {
  const auto now = file_state::of(file_);
  return immutable_ ? now.is_complete() && now.is_unchanged_since(opened_)
                    : now.is_file_of(opened_);
}

std::error_code sqlite_connection::unchanged(std::string& why) const {
  if (!immutable_ || is_current()) {
    return {};
  }
  fit_ = false;
  why = "the file was written to while it was read";
  return errc::busy;
}

bool sqlite_connection::compiles(const char* sql) const noexcept {
  sqlite3_stmt* fresh = nullptr;
  const int code = sqlite3_prepare_v2(connection_.get(), sql, -1, &fresh, nullptr);
  sqlite3_finalize(fresh);
  return code == SQLITE_OK;
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
      why = "the SQL of a report must be one statement";
      ec = errc::failed;
    } else if (sqlite3_column_count(fresh) == 0 || sqlite3_stmt_readonly(fresh) == 0) {
      why = "the SQL of a report must only read, and return rows";
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
  if (const auto torn = unchanged(why)) {
    return torn;
  }
  const auto& m = meaning_of(code);
  fit_ = fit_ && m.fit;
  if ((code & 0xff) == SQLITE_FULL && file_bound::was_reached()) {
    why = "a temporary file of the query would have more than " + std::to_string(temporary_) +
          " bytes";
    return errc::failed;
  }
  // The message may contain the path or the name of a table.
  why = m.words != nullptr     ? m.words
        : m.ec != errc::failed ? sqlite3_errstr(code & 0xff)
                               : one_line(sqlite3_errmsg(connection_.get()));
  if ((code & 0xff) != SQLITE_CANTOPEN || m.words != nullptr) {
    return m.ec;
  }
  const std::error_code system(sqlite3_system_errno(connection_.get()), std::generic_category());
  why += system ? ": " + system.message() : "";
  const bool for_now = system == std::errc::too_many_files_open ||
                       system == std::errc::too_many_files_open_in_system;
  return for_now ? errc::busy : m.ec;
}

// Called by SQLite during a step; a result other than 0 ends the step.
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
    } catch (...) {  // an exception must not pass through SQLite, which is C
      sink_error_ = std::make_error_code(std::errc::not_enough_memory);
    }
  }
  return sink_error_ ? 1 : 0;
}

// Called by SQLite when another connection holds the lock; 0 gives up. It cannot wait in the
// kernel, because SQLite's locks are only tried, not queued for.
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
