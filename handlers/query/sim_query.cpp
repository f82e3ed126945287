#include "handlers/query/sim_query.h"

#include <chrono>
#include <functional>
#include <optional>

#include "handlers/parameters.h"
#include "hangup/context/task.h"
#include "hangup/context/wait.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace hangup::handlers {
namespace {

constexpr std::uint64_t most_rows = 1'000'000;
constexpr std::uint64_t most_collected = 10'000;  // the rows of one document are kept in memory
constexpr std::uint64_t most_row_ms = 600'000;

// For rows without a pause between them.
constexpr std::size_t worth_a_write = 16 * 1024;

struct query {
  std::uint64_t rows;
  std::chrono::milliseconds row_time;
  bool streamed;
};

// What is asked for. If that is not allowed, the reply says so.
std::optional<query> asked(const context& ctx, const http::request& req, http::reply& res) {
  parameters p(req);
  query q{};
  q.streamed = p.flag("stream", true);
  q.rows = p.number("rows", 100, 0, q.streamed ? most_rows : most_collected);
  q.row_time = std::chrono::milliseconds(p.number("row_ms", 10, 0, most_row_ms));
  if (!p.problem().empty()) {
    res.problem(400, p.problem());
    return std::nullopt;
  }
  http::work_expected(ctx, q.rows * q.row_time);
  return q;
}

void append_row(std::string& to, std::uint64_t row) {
  const auto n = std::to_string(row);
  to.append("{\"row\":").append(n).append(",\"customer\":\"customer-").append(n).append("\"}");
}

// All rows as one document.
class collected {
 public:
  void add(std::uint64_t row) {
    body_.append(body_.back() == '[' ? "" : ",");
    append_row(body_, row);
  }
  void send(const query& q, http::reply& res) {
    res.set("Cache-Control", "no-store");
    res.body("application/json", body_ + "],\"count\":" + std::to_string(q.rows) + "}\n");
  }

 private:
  std::string body_ = "{\"rows\":[";
};

// Calls `take` with the number of each row when it is due. An error of `take`, or the end of the
// context, ends the query.
std::error_code run(const context& ctx, const query& q,
                    const std::function<std::error_code(std::uint64_t row)>& take) {
  for (std::uint64_t row = 1; row <= q.rows; ++row) {
    const std::error_code ec =
        q.row_time.count() > 0 ? sleep_for(ctx, q.row_time).get() : ctx.err();
    if (ec) {
      http::work_stopped(ctx);
      return ec;
    }
    if (const auto stop = take(row)) {
      return stop;
    }
  }
  return {};
}

bool is_worth_a_write(const query& q, const std::string& rows) {
  return q.row_time.count() > 0 || rows.size() >= worth_a_write;
}

std::error_code stream_rows(const context& ctx, const query& q, http::body_writer& out) {
  std::string rows;
  const auto ec = run(ctx, q, [&](std::uint64_t row) {
    append_row(rows, row);
    rows.push_back('\n');
    if (!is_worth_a_write(q, rows)) {
      return std::error_code{};
    }
    const auto written = out.write(ctx, rows);
    rows.clear();
    return written;
  });
  return ec ? ec : out.write(ctx, rows);
}

task<std::error_code> turn_of_others(const context& ctx) {
  const std::error_code ec = co_await yield(ctx);
  co_return ec;
}

// The wait for a row, which lets the other tasks have their turn if rows take no time.
task<std::error_code> row_is_due(const context& ctx, const query& q, std::uint64_t row) {
  constexpr std::uint64_t in_one_go = 1'000;
  std::error_code ec = ctx.err();
  if (q.row_time.count() > 0) {
    ec = co_await sleep_for(ctx, q.row_time);
  } else if (row % in_one_go == 0) {
    ec = co_await turn_of_others(ctx);  // what this needs is not in the frame of a row that waits
  }
  if (ec) {
    http::work_stopped(ctx);
  }
  co_return ec;
}

task<> stream_rows(const context& ctx, const query& q, http::reply& res) {
  res.stream("application/x-ndjson");
  std::string rows;
  std::error_code ec;
  for (std::uint64_t row = 1; !ec && row <= q.rows; ++row) {
    ec = co_await row_is_due(ctx, q, row);
    append_row(rows, row);
    rows.push_back('\n');
    if (!ec && is_worth_a_write(q, rows)) {
      ec = co_await res.write(ctx, rows);
      rows.clear();
    }
  }
  if (!ec) {
    static_cast<void>(co_await res.write(ctx, rows));
  }
}

task<> collect_rows(const context& ctx, const query& q, http::reply& res) {
  collected all;
  for (std::uint64_t row = 1; row <= q.rows; ++row) {
    if (co_await row_is_due(ctx, q, row)) {
      co_return;
    }
    all.add(row);
  }
  all.send(q, res);
}

}  // namespace

http::handler sim_query() {
  return [](const context& ctx, const http::request& req, http::reply& res) {
    const auto q = asked(ctx, req, res);
    if (!q) {
      return;
    }
    if (q->streamed) {
      res.stream("application/x-ndjson", [q = *q](const context& c, http::body_writer& out) {
        return stream_rows(c, q, out);
      });
      return;
    }
    collected all;
    const auto ec = run(ctx, *q, [&all](std::uint64_t row) {
      all.add(row);
      return std::error_code{};
    });
    if (!ec) {
      all.send(*q, res);
    }
  };
}

http::handler sim_query_task() {
  return [](const context& ctx, http::request& req, http::reply& res) -> task<> {
    const auto q = asked(ctx, req, res);
    // GCC 12 would destroy the task of a conditional expression twice.
    if (q && q->streamed) {
      co_await stream_rows(ctx, *q, res);
    } else if (q) {
      co_await collect_rows(ctx, *q, res);
    }
  };
}

}  // namespace hangup::handlers
