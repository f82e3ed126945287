// One connection to a PostgreSQL server, using libpq asynchronously. What waits is a task, which
// holds no thread and ends with its context. One exception: if the connection string names a
// host, libpq looks up its address in open(), and that look-up cannot be interrupted.
//
// A wait that ends early leaves its statement running. Such a connection is settled
// (cancelled_connections.h) or is closed.
//
// libpq keeps a row in memory until it is whole, and then copies it. It does not say how large a
// row will be, nor how much of it has come, and one call of it reads on as long as the server keeps
// up. So what nothing bounds is left to a pool: a row that one read has not made whole is read by a
// worker, while the task waits. A row that turns out to be larger than most_row_bytes ends the
// connection, with errc::too_large; the socket is looked at before and after each read, to notice
// it early. What remains is a large row whose first bytes come with the end of a smaller one: the
// next read of it is done by the task, and may hold the thread.
//
// No prepared statements are used, so a query does not depend on an earlier one; a connection
// pooler in between may use another server session for each transaction.
//
// For one thread at a time.
#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <libpq-fe.h>

#include "context/turn.h"
#include "handlers/query/database.h"
#include "handlers/query/postgres_cancel.h"
#include "handlers/query/postgres_errors.h"
#include "hangup/context/context.h"
#include "hangup/context/task.h"
#include "hangup/worker/pool.h"

namespace hangup::query {

struct postgres_options {
  std::string conninfo;               // as for libpq: keywords and values, or a URI
  std::size_t connections = 8;        // the most that are open
  std::size_t spare_connections = 0;  // additional ones, for clients that have none
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds acquire_timeout{2000};  // how long a query waits for a connection
  std::chrono::milliseconds settle_timeout{5000};  // after a hang-up; then the connection is closed
  bool read_only = true;                           // transactions must not write
};

struct clear_result {
  void operator()(PGresult* r) const noexcept { ::PQclear(r); }
};
using postgres_result = std::unique_ptr<PGresult, clear_result>;

class postgres_connection {
 public:
  // More than any row that is passed on (row_format::most_bytes).
  static constexpr std::size_t most_row_bytes = 4U << 20U;

  // Connects within how.connect_timeout and sets up the session. Returns ctx.err(), or
  // errc::unreachable and `why`.
  // `large_rows` must outlive the connection.
  static task<std::error_code> open(const context& ctx, const postgres_options& how,
                                    pool& large_rows, std::unique_ptr<postgres_connection>& opened,
                                    std::string& why);
  ~postgres_connection();  // closes the connection; does not wait
  postgres_connection(const postgres_connection&) = delete;
  postgres_connection& operator=(const postgres_connection&) = delete;

  // For a connection that was kept: waits until its previous use has completed, and checks whether
  // it is still open as far as the kernel knows. Returns ctx.err(), or errc::unreachable if it must
  // be closed.
  task<std::error_code> ready(const context& ctx, std::string& why);

  // Sends the statement of the report, with rows to be returned one at a time. Before it, in the
  // same transaction, come the settings for it: statement_timeout, as the time left to `ctx` and
  // the server allow, and read-only mode. After it comes DISCARD ALL, so that no setting, lock or
  // temporary table is left for the next query. All three are sent together, without waiting in
  // between. next() then returns the results. Returns errc::unreachable and `why`. The report must
  // outlive its statement.
  std::error_code begin(const context& ctx, const report& what, const arguments& with,
                        std::string& why);
  // Gives the next result of the report, if it has arrived; null after the last. Returns false if
  // next() has to wait for it. An error is ctx.err() or as in postgres_errors.h.
  bool take_next(const context& ctx, postgres_result& result, std::error_code& error,
                 std::string& why);
  // Waits for the next result. Meanwhile it calls `to->idle()` as database.h describes, if there is
  // a sink. Returns ctx.err(), the sink's error, or as above.
  task<std::error_code> next(const context& ctx, row_sink* to, postgres_result& result,
                             std::string& why);

  // Whether the server ended the session before it read anything that begin() sent: the settings
  // are sent first, and their result was replaced by the server's final message.
  bool unheard() const noexcept { return unheard_; }

  // Nothing of the report is still running: usable for the next, after ready().
  bool over() const noexcept { return reading_ == part::rest && !lost(); }
  // Nothing at all is still running.
  bool idle() const noexcept { return syncs_ == 0 && over() && !in_transaction(); }
  // The server has gone, or the connection must not be used again.
  bool lost() const noexcept;
  // It is lost because of a row, and has much memory to give back.
  bool is_large() const noexcept { return too_large_; }

  // Functions that do not wait, for settling (and for those above):
  enum class event : std::uint8_t {
    nothing,  // nothing has arrived yet
    result,   // a result of the report, or an error
    report_over,
    idle,  // everything that was sent has completed
    lost,
  };
  // Returns what has arrived, and sends what has not been sent yet.
  event take(postgres_result& result) noexcept;
  bool receive() noexcept;  // reads what has arrived; false: lost
  // Sends a DISCARD ALL, after a ROLLBACK if a transaction is open. Returns false if the connection
  // is lost.
  bool discard();
  int fd() const noexcept { return ::PQsocket(link_); }
  // Events of poll(2) to wait for.
  short awaits() const noexcept { return unsent_ ? POLLIN | POLLOUT : POLLIN; }
  // Valid when everything that was sent has completed.
  bool in_transaction() const noexcept { return ::PQtransactionStatus(link_) != PQTRANS_IDLE; }

  // Cancels its statements.
  const std::shared_ptr<postgres_cancel>& cancel() const noexcept { return cancel_; }

 private:
  postgres_connection(PGconn* link, bool read_only, pool& large_rows) noexcept
      : link_(link), read_only_(read_only), large_rows_(large_rows) {}
  task<std::error_code> connect(const context& ctx, std::string& why);
  task<std::error_code> set_up(const context& ctx, std::string& why);
  std::error_code error_of(const PGresult& error, std::string& why);
  task<std::error_code> wait(const context& ctx, context::clock::time_point until,
                             std::string& why);
  task<std::error_code> read(const context& ctx);
  event take_arrived(postgres_result& result) noexcept;
  bool send(const char* sql, const std::vector<std::string>& values);
  bool end_group() noexcept;
  std::error_code gone(std::string& why) const;
  void refuse_row() noexcept;

  // To which statement the next results belong.
  enum class part : std::uint8_t { settings, report, rest };

  PGconn* const link_;
  const bool read_only_;
  pool& large_rows_;
  std::shared_ptr<postgres_cancel> cancel_;
  bool checks_client_ = true;  // the server has client_connection_check_interval
  asked_statement asked_;
  context::clock::time_point sent_{};
  part reading_ = part::rest;
  bool set_ = false;  // the result of the settings has been received
  bool unheard_ = false;
  unsigned syncs_ = 0;          // groups of statements whose end has not arrived yet
  bool unsent_ = false;         // not everything has been sent yet
  bool worn_ = false;           // must be closed after this query
  bool too_large_ = false;      // because of a row
  std::size_t coming_ = 0;      // at least so much has been read since the last result
  bool some_whole_ = true;      // a message has become whole since the last read
  tree::turn turn_;             // of reading
  std::optional<event> early_;  // taken by a worker, with its result
  postgres_result early_result_;
  std::error_code failed_;  // of the report; the rest of its results is still read
};

// The value of a column in the first row. Integers and booleans (0, 1) become integers. float and
// numeric become doubles; numeric keeps 15 digits, so cast it to text for more. Everything else,
// and values that a double cannot hold (NaN), becomes text. Valid as long as the result.
field field_of(const PGresult& row, int column) noexcept;

// Whether libpq can parse this connection string. It gives no reason, because the string may
// contain a password.
bool is_conninfo(const std::string& text) noexcept;

}  // namespace hangup::query
