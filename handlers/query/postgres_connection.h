// One connection to a PostgreSQL server, over asynchronous libpq: nothing here blocks but the waits
// that take a context, and those end with it. Exception: where the connection string names a host,
// libpq looks its address up in open(), and that look-up is not interrupted.
//
// A wait that ended early leaves its statement under way. Such a connection goes to a settler
// (postgres_settler.h), or is closed.
//
// Statements have no names, so nothing has to be there from an earlier one: a pooler in between may
// give each of our transactions another session.
//
// One thread at a time.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <libpq-fe.h>

#include "context/context.h"
#include "handlers/query/database.h"
#include "handlers/query/postgres_cancel.h"
#include "handlers/query/postgres_errors.h"

namespace hangup::query {

struct postgres_options {
  std::string conninfo;               // libpq's: keywords and values, or a URI
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

  // For a connection that was kept: waits until its last use is over, and looks whether it is still
  // there, as far as the kernel knows. ctx.err(); errc::unreachable: it is not fit, close it.
  std::error_code ready(const context& ctx, std::string& why);

  // Begins the report's statement, rows one at a time. In front of it, in the same transaction,
  // goes what is set for it alone: statement_timeout as `ctx` leaves and as the server allows at
  // that time, read only; behind it DISCARD ALL, so that nothing of it is there for the next:
  // settings, locks, temporary tables. All three are one flight, without a wait between them. Then
  // next() has its results. errc::unreachable and why. The report must outlive its statement.
  std::error_code begin(const context& ctx, const report& what, const arguments& with,
                        std::string& why);
  // The next result of the report, null after the last. Waits; `to.idle()` is called as database.h
  // says, if there is a sink. ctx.err(), the sink's error, what postgres_errors.h says.
  std::error_code next(const context& ctx, row_sink* to, postgres_result& result, std::string& why);

  // The server has ended the session before it read any of what begin() has sent: the settings are
  // the first of it, and instead of their result there are its last words.
  bool unheard() const noexcept { return unheard_; }

  // Nothing of the report goes on any more: fit for the next, after ready().
  bool over() const noexcept { return reading_ == part::rest && !lost(); }
  // Nothing is under way at all.
  bool idle() const noexcept { return syncs_ == 0 && over() && !in_transaction(); }
  // The server is gone, or it must not be used again.
  bool lost() const noexcept;

  // Without waiting, for the settler (and for the above):
  enum class event : std::uint8_t {
    nothing,  // has come yet
    result,   // of the report, or an error
    report_over,
    idle,  // all that was begun is over
    lost,
  };
  event take(postgres_result& result) noexcept;  // what has come, and sends what has not gone out
  bool receive() noexcept;                       // reads what is there; false: lost
  // Begins a DISCARD ALL; behind a ROLLBACK, if a transaction is open. False: lost.
  bool discard();
  int fd() const noexcept { return ::PQsocket(link_); }
  short awaits() const noexcept { return unsent_ ? POLLIN | POLLOUT : POLLIN; }  // of poll(2)
  // Known once all is over.
  bool in_transaction() const noexcept { return ::PQtransactionStatus(link_) != PQTRANS_IDLE; }

  // What cancels its statements.
  const std::shared_ptr<postgres_cancel>& cancel() const noexcept { return cancel_; }

 private:
  explicit postgres_connection(PGconn* link, bool read_only) noexcept
      : link_(link), read_only_(read_only) {}
  std::error_code connect(const context& ctx, std::string& why);
  std::error_code set_up(const context& ctx, std::string& why);
  std::error_code error_of(const PGresult& error, std::string& why);
  std::error_code wait(const context& ctx, context::clock::time_point until, std::string& why);
  bool send(const char* sql, const std::vector<std::string>& values);
  bool end_group() noexcept;
  std::error_code gone(std::string& why) const;

  // Whose results are the next.
  enum class part : std::uint8_t { settings, report, rest };

  PGconn* const link_;
  const bool read_only_;
  std::shared_ptr<postgres_cancel> cancel_;
  bool checks_client_ = true;  // the server has client_connection_check_interval
  asked_statement asked_;
  context::clock::time_point sent_{};
  part reading_ = part::rest;
  bool set_ = false;  // the settings of the report have been taken
  bool unheard_ = false;
  unsigned syncs_ = 0;   // groups of statements whose end has not come yet
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
