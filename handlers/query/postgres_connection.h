// One connection to a PostgreSQL server, over asynchronous libpq: nothing here blocks but the waits
// that take a context, and those end with it. Exception: where the connection string names a host,
// libpq looks its address up in open(), and that look-up is not interrupted.
//
// A wait that ended early leaves its statement under way. Such a connection goes to a settler
// (postgres_settler.h), or is closed.
//
// One thread at a time.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <system_error>

#include <libpq-fe.h>

#include "context/context.h"
#include "handlers/query/database.h"
#include "handlers/query/postgres_cancel.h"

namespace hangup::query {

struct postgres_options {
  std::string conninfo;         // libpq's: keywords and values, or a URI
  std::size_t connections = 8;        // the most that are open,
  std::size_t spare_connections = 0;  // and so many more for clients who have none
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds acquire_timeout{2000};  // waiting for one of the connections
  std::chrono::milliseconds settle_timeout{5000};  // after a hang-up; then the connection is closed
  bool read_only = true;                           // transactions may not write
};

struct clear_result {
  void operator()(PGresult* r) const noexcept { ::PQclear(r); }
};
using postgres_result = std::unique_ptr<PGresult, clear_result>;

class postgres_connection {
 public:
  // Connects within how.connect_timeout and sets the session up. ctx.err(), or errc::unreachable
  // and why.
  static std::error_code open(const context& ctx, const postgres_options& how,
                              std::unique_ptr<postgres_connection>& opened, std::string& why);
  ~postgres_connection();  // closes it; does not wait
  postgres_connection(const postgres_connection&) = delete;
  postgres_connection& operator=(const postgres_connection&) = delete;

  // For a connection that was idle: is it still there, as far as the kernel knows? One system call.
  bool alive() noexcept;

  // Begins the report's statement: prepared when it is first used here, rows one at a time. Sets
  // statement_timeout to what `ctx` leaves. Then next() has its results. ctx.err(); errc::failed or
  // errc::unreachable and why.
  std::error_code begin(const context& ctx, const report& what, const arguments& with,
                        std::string& why);
  // Runs a statement that has no interesting results. As begin().
  std::error_code execute(const context& ctx, const char* sql, std::string& why);
  // The next result, null after the last. Waits; `to.idle()` is called as database.h says, if there
  // is a sink. ctx.err(), the sink's error, errc::failed, errc::unreachable.
  std::error_code next(const context& ctx, row_sink* to, postgres_result& result, std::string& why);

  // No statement under way, no transaction open, and fit for the next statement.
  bool idle() const noexcept;
  // The server is gone, or it must not be used again.
  bool lost() const noexcept;

  // Without waiting, for the settler (and for the above):
  bool send(const char* sql) noexcept;  // begins a statement; false: lost
  enum class event : std::uint8_t { nothing, result, over, lost };
  event take(postgres_result& result) noexcept;  // what has come, and sends what has not gone out
  bool receive() noexcept;                       // reads what is there; false: lost
  int fd() const noexcept { return ::PQsocket(link_); }
  short awaits() const noexcept { return unsent_ ? POLLIN | POLLOUT : POLLIN; }  // of poll(2)
  bool in_transaction() const noexcept { return ::PQtransactionStatus(link_) != PQTRANS_IDLE; }

  // What cancels its statements.
  const std::shared_ptr<postgres_cancel>& cancel() const noexcept { return cancel_; }

 private:
  explicit postgres_connection(PGconn* link) noexcept : link_(link) {}
  std::error_code connect(const context& ctx, std::string& why);
  std::error_code set_up(const context& ctx, const postgres_options& how, std::string& why);
  std::error_code limit_time(const context& ctx, std::string& why);
  std::error_code finish(const context& ctx, std::string& why);
  bool sent(int accepted) noexcept;
  std::error_code gone(std::string& why) const;

  PGconn* const link_;
  std::shared_ptr<postgres_cancel> cancel_;
  std::set<std::string> prepared_;  // the names of reports
  std::string preparing_;           // the one that is under way
  // As it is set in the session; 0: none, -1: not known.
  std::chrono::milliseconds statement_time_{0};
  bool under_way_ = false;
  bool unsent_ = false;  // not all of it has been sent
  bool worn_ = false;    // to be closed after this
};

// The value of a column in the first row: integers and booleans (0, 1) are integers; float and
// numeric are real (numeric to the 15 digits of a double: cast it to text for more); the rest, and
// what no number of ours can hold (NaN), is text. Valid as long as the result.
field field_of(const PGresult& row, int column) noexcept;

// Does libpq understand this connection string? Says nothing about it: there may be a password.
bool is_conninfo(const std::string& text) noexcept;

}  // namespace hangup::query
