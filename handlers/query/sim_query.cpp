#include "handlers/query/sim_query.h"

#include <chrono>
#include <functional>

#include "handlers/parameters.h"
#include "hangup/context/wait.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace hangup::handlers {
namespace {

constexpr std::uint64_t most_rows = 1'000'000;
constexpr std::uint64_t most_collected = 10'000;  // the rows of one document are kept in memory
constexpr std::uint64_t most_row_ms = 600'000;

struct query {
  std::uint64_t rows;
  std::chrono::milliseconds row_time;
};

// Calls `take` with each row when it is due. An error of `take`, or the end of the context, ends
// the query.
std::error_code run(const context& ctx, const query& q,
                    const std::function<std::error_code(const std::string&)>& take) {
  std::string text;
  for (std::uint64_t row = 1; row <= q.rows; ++row) {
    const auto ec = q.row_time.count() > 0 ? sleep_for(ctx, q.row_time) : ctx.err();
    if (ec) {
      http::work_stopped(ctx);
      return ec;
    }
    const auto n = std::to_string(row);
    text.assign("{\"row\":").append(n).append(",\"customer\":\"customer-").append(n).append("\"}");
    if (const auto stop = take(text)) {
      return stop;
    }
  }
  return {};
}

std::error_code stream_rows(const context& ctx, const query& q, http::body_writer& out) {
  constexpr std::size_t worth_a_write = 16 * 1024;  // for rows without a pause between them
  std::string rows;
  const auto ec = run(ctx, q, [&](const std::string& row) {
    rows.append(row).push_back('\n');
    if (q.row_time.count() == 0 && rows.size() < worth_a_write) {
      return std::error_code{};
    }
    const auto written = out.write(ctx, rows);
    rows.clear();
    return written;
  });
  return ec ? ec : out.write(ctx, rows);
}

}  // namespace

http::handler sim_query() {
  return [](const context& ctx, const http::request& req, http::reply& res) {
    parameters p(req);
    const bool streamed = p.flag("stream", true);
    const query q{p.number("rows", 100, 0, streamed ? most_rows : most_collected),
                  std::chrono::milliseconds(p.number("row_ms", 10, 0, most_row_ms))};
    if (!p.problem().empty()) {
      res.problem(400, p.problem());
      return;
    }
    if (streamed) {
      res.stream("application/x-ndjson",
                 [q](const context& c, http::body_writer& out) { return stream_rows(c, q, out); });
      return;
    }
    std::string body = "{\"rows\":[";
    const auto ec = run(ctx, q, [&body](const std::string& row) {
      body.append(body.back() == '[' ? "" : ",").append(row);
      return std::error_code{};
    });
    if (!ec) {
      res.set("Cache-Control", "no-store");
      res.body("application/json", body + "],\"count\":" + std::to_string(q.rows) + "}\n");
    }
  };
}

}  // namespace hangup::handlers
