// Sends the rows of a query to a client.
#pragma once

#include <string>
#include <string_view>

#include "handlers/query/row_format.h"
#include "hangup/http/reply.h"

namespace hangup::query {

// Collects rows until there are 16 KiB, or until the oldest has waited for gather_time. So a fast
// query does not need one write per row, and the rows of a slow one are seen as they arrive. Waits
// here for a client that does not read.
class rows_out final : public row_sink {
 public:
  rows_out(format f, http::body_writer& out) noexcept : format_(f), rows_(f), out_(out) {}

  std::error_code columns(const context& ctx, std::span<const std::string> names) override;
  // Returns errc::failed for a row larger than row_format::most_bytes; problem() then says so.
  std::error_code row(const context& ctx, std::span<const field> fields) override;
  std::error_code idle(const context& ctx) override;

  // Sends what has been collected, at the end of the query.
  std::error_code finish(const context& ctx);
  // The same when something went wrong. NDJSON ends with a line
  // {"error":{"title":...,"detail":...}}. The caller must then cut the body off, which is the only
  // sign of an error in CSV.
  void fail(const context& ctx, std::string_view title, std::string_view detail);

  const std::string& problem() const noexcept { return problem_; }

 private:
  std::error_code send(const context& ctx);

  const format format_;
  row_format rows_;
  http::body_writer& out_;
  std::string text_;                    // collected, not sent yet
  context::clock::time_point since_{};  // when text_ was last empty
  std::string problem_;
};

}  // namespace hangup::query
