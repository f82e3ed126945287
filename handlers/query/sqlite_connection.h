// A connection to a SQLite file, for reading. What runs on it is stopped by the context of whoever
// uses it, on the thread that uses it: the progress handler, the pauses of a wait for a lock. There
// is no sqlite3_interrupt(), which another thread would have to call in the right moment, and which
// hits whatever runs then.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <unordered_map>

#include "context/context.h"
#include "handlers/query/database.h"
#include "handlers/query/sqlite_file_state.h"
#include "handlers/query/sqlite_files.h"

namespace hangup::query {

// Once, before anything else is done with SQLite: how much a sort takes at once.
void configure_sqlite();

// One thread at a time.
class sqlite_connection {
 public:
  // How many instructions of SQLite's machine run between two looks at the context: 10 to 30
  // microseconds of them. What it costs is lost in the noise.
  static constexpr int instructions = 1000;

  // `patience`: for how long a query waits for a lock; `temporary`: to how many bytes a file that
  // SQLite makes for a query may grow.
  sqlite_connection(std::chrono::milliseconds patience, std::uint64_t temporary) noexcept
      : patience_(patience), temporary_(temporary) {}

  // Opens an existing file, in which there must be a database. `attention` must be there, as it may
  // be locked. As start() in database.h.
  //
  // A file in WAL mode needs -wal and -shm beside it, also for reading. Where they are not there
  // and cannot be made, it is read as a file that nobody writes to: what is_current() and
  // unchanged() are for.
  std::error_code open(const std::string& file, std::string& why);
  // Does the path still lead to the file that was opened, and may it be read as it was opened?
  bool is_current() const noexcept;
  // After the last row: errc::busy if the rows may be those of a file that was just being written.
  std::error_code unchanged(std::string& why) const;

  // A statement ready for its first step, compiled when it is first asked for and kept. `attention`
  // must be there.
  std::error_code prepare(const std::string& sql, sqlite3_stmt*& statement, std::string& why);

  // What a result code of SQLite means: the end of the context, the sink's error, or an errc with
  // the reason (sqlite_errors.h). Right after the call that returned it.
  std::error_code meaning(int code, std::string& why) const;

  // Does the SQL compile? Then what failed was not the SQL.
  bool compiles(const char* sql) const noexcept;

  // False once SQLite has said that the file is broken: not for another query.
  bool fit() const noexcept { return fit_; }

  // While it exists, what runs on the connection ends with the context, and the sink (if there is
  // one) is told when there is no row.
  class attention {
   public:
    attention(sqlite_connection& of, const context& ctx, row_sink* to) noexcept
        : of_(of), files_(of.temporary_) {
      of_.ctx_ = &ctx;
      of_.sink_ = to;
      of_.sink_error_ = {};
    }
    ~attention() {
      of_.ctx_ = nullptr;
      of_.sink_ = nullptr;
    }
    attention(const attention&) = delete;
    attention& operator=(const attention&) = delete;

   private:
    sqlite_connection& of_;
    const file_bound files_;
  };

 private:
  struct closer {
    void operator()(sqlite3* c) const noexcept { sqlite3_close_v2(c); }
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };

  int open_as(bool immutable, const char* files);
  int attach(bool immutable);
  int on_progress() noexcept;
  int on_busy(int tries) noexcept;

  const std::chrono::milliseconds patience_;
  const std::uint64_t temporary_;
  std::string file_;
  file_state opened_;       // as it was before
  bool immutable_ = false;  // opened as a file that nobody writes to
  std::unique_ptr<sqlite3, closer> connection_;
  std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, closer>> statements_;  // by SQL
  const context* ctx_ = nullptr;  // of the query that runs; these are set by `attention`
  row_sink* sink_ = nullptr;
  std::error_code sink_error_;
  context::clock::time_point busy_since_{};
  mutable bool fit_ = true;
};

}  // namespace hangup::query
