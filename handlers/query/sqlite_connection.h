// A connection to a SQLite file, for reading. What runs on it is stopped by the user's context, on
// the user's own thread: in the progress handler, and in the pauses of a wait for a lock.
// sqlite3_interrupt() is not used, because another thread would have to call it at the right
// moment, and it stops whatever is running then.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <unordered_map>

#include "handlers/query/database.h"
#include "handlers/query/sqlite_file_state.h"
#include "handlers/query/sqlite_files.h"
#include "hangup/context/context.h"

namespace hangup::query {

// Sets how much memory a sort takes at a time. Must be called once, before SQLite is used.
void configure_sqlite();

// For one thread at a time.
class sqlite_connection {
 public:
  // How many instructions of SQLite's virtual machine run between two checks of the context: they
  // take 10 to 30 microseconds. The cost of the checks cannot be measured.
  static constexpr int instructions = 1000;

  // `patience`: how long a query waits for a lock. `temporary`: the most bytes of a file that
  // SQLite makes for a query.
  sqlite_connection(std::chrono::milliseconds patience, std::uint64_t temporary) noexcept
      : patience_(patience), temporary_(temporary) {}

  // Opens an existing file, which must contain a database. An `attention` must exist, because the
  // file may be locked. Errors as for start() in database.h.
  //
  // A file in WAL mode needs the files -wal and -shm next to it, also for reading. If they do not
  // exist and cannot be created, the file is opened as one that nobody writes to; is_current() and
  // unchanged() check whether that was true.
  std::error_code open(const std::string& file, std::string& why);
  // Whether the path still refers to the file that was opened, and it may still be read in the mode
  // in which it was opened.
  bool is_current() const noexcept;
  // To be called after the last row. Returns errc::busy if the file may have been written to while
  // the rows were read.
  std::error_code unchanged(std::string& why) const;

  // Returns a statement that is ready for its first step. It is compiled on first use and kept. An
  // `attention` must exist.
  std::error_code prepare(const std::string& sql, sqlite3_stmt*& statement, std::string& why);

  // What a result code of SQLite means: the end of the context, the sink's error, or an errc with
  // the reason (sqlite_errors.h). To be called right after the call that returned the code.
  std::error_code meaning(int code, std::string& why) const;

  // Whether the SQL compiles. If it does, the SQL was not the reason of a failure.
  bool compiles(const char* sql) const noexcept;

  // False once SQLite has reported that the file is damaged: the connection must not be used again.
  bool fit() const noexcept { return fit_; }

  // While an object of this class exists, what runs on the connection ends with the context, and
  // the sink, if any, is called when there is no row.
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
  file_state opened_;       // before it was opened
  bool immutable_ = false;  // opened as a file that nobody writes to
  std::unique_ptr<sqlite3, closer> connection_;
  std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, closer>> statements_;  // by SQL
  const context* ctx_ = nullptr;  // of the current query; this and the next are set by `attention`
  row_sink* sink_ = nullptr;
  std::error_code sink_error_;
  context::clock::time_point busy_since_{};
  mutable bool fit_ = true;
};

}  // namespace hangup::query
