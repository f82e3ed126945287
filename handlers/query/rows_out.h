// Sends the rows of a query to a client.
//
// Rows are collected until there are 16 KiB, or until the oldest has waited for gather_time. So a
// fast query does not need one write per row, and the rows of a slow one are seen as they arrive.
#pragma once

#include <string>
#include <string_view>

#include "handlers/query/row_format.h"
#include "hangup/http/reply.h"

namespace hangup::query {

// The rows as text, collected.
class collected_rows : public row_sink {
 public:
  std::error_code columns(const context& ctx, std::span<const std::string> names) final;
  // Returns errc::failed for a row larger than row_format::most_bytes; problem() then says so.
  std::error_code row(const context& ctx, std::span<const field> fields) final;
  std::error_code idle(const context& ctx) final;
  const std::string& problem() const noexcept { return problem_; }

  // When something went wrong. NDJSON ends with a line {"error":{"title":...,"detail":...}}. The
  // caller must then send it, and cut the body off, which is the only sign of an error in CSV.
  void add_error(std::string_view title, std::string_view detail);

 protected:
  explicit collected_rows(format f) noexcept : format_(f), rows_(f) {}
  ~collected_rows() = default;

  // Called when there is enough, or when it has waited for long enough.
  virtual std::error_code enough(const context& ctx) = 0;

  std::string text_;  // collected, not sent yet

 private:
  const format format_;
  row_format rows_;
  context::clock::time_point since_{};  // when text_ was last empty
  std::string problem_;
};

// Sends them by a thread, which waits here for a client that does not read.
class rows_out final : public collected_rows {
 public:
  rows_out(format f, http::body_writer& out) noexcept : collected_rows(f), out_(out) {}
  // Sends what has been collected, at the end of the query.
  std::error_code finish(const context& ctx);

 private:
  std::error_code enough(const context& ctx) override;

  http::body_writer& out_;
};

// Sends them by a task, which waits in flush().
class rows_reply final : public collected_rows {
 public:
  rows_reply(format f, http::reply& to) noexcept : collected_rows(f), to_(to) {}
  bool is_full() const noexcept override { return full_; }
  // Sends what has been collected; to be called at the end of the query as well.
  task<std::error_code> flush(const context& ctx) override;

 private:
  std::error_code enough(const context& ctx) override;

  http::reply& to_;
  bool full_ = false;
};

}  // namespace hangup::query
