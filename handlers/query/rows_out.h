// The rows of a query on their way to a client.
#pragma once

#include <string>
#include <string_view>

#include "handlers/query/row_format.h"
#include "http/reply.h"

namespace hangup::query {

// Gathers rows until there are 16 KiB of them, or the oldest has waited for gather_time: a fast
// query does not pay for a write per row, and a slow one is seen as it comes. A client that does
// not read is waited for in here.
class rows_out final : public row_sink {
 public:
  rows_out(format f, http::body_writer& out) noexcept : format_(f), rows_(f), out_(out) {}

  std::error_code columns(const context& ctx, std::span<const std::string> names) override;
  // errc::failed for a row beyond row_format::most_bytes: then problem() says so.
  std::error_code row(const context& ctx, std::span<const field> fields) override;
  std::error_code idle(const context& ctx) override;

  // Sends what has been gathered: the query is over.
  std::error_code finish(const context& ctx);
  // The same, and what went wrong: as NDJSON a last line {"error":{"title":...,"detail":...}}. The
  // body then has to be broken off, which is all that a reader of CSV gets to see.
  void fail(const context& ctx, std::string_view title, std::string_view detail);

  const std::string& problem() const noexcept { return problem_; }

 private:
  std::error_code send(const context& ctx);

  const format format_;
  row_format rows_;
  http::body_writer& out_;
  std::string text_;                    // gathered
  context::clock::time_point since_{};  // when text_ was empty last
  std::string problem_;
};

}  // namespace hangup::query
