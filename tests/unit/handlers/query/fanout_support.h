// A database whose queries do what the test says, and a client that takes what they are answered.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <latch>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "handlers/query/fanout.h"
#include "hangup/http/problem.h"
#include "hangup/http/reply.h"
#include "hangup/worker/loop.h"
#include "http/run/piece_sink.h"
#include "http/run/reply_access.h"
#include "tests/support/target.h"

namespace hangup::query {

using namespace std::chrono_literals;

// One query: the number of its part, and what it has to do. Both run on the query's thread.
struct script {
  std::function<std::error_code(const context&, std::int64_t part, std::string& why)> start{};
  std::function<std::error_code(const context&, std::int64_t part, row_sink&, std::string& why)>
      rows{};
};

class fake_database final : public database {
 public:
  explicit fake_database(const script& plays) : plays_(plays) {}

  std::error_code start(const context& ctx, const report&, const arguments& with,
                        std::unique_ptr<running>& begun, std::string& why) override {
    const auto part = std::get<std::int64_t>(with.at(0));
    auto q = std::make_unique<query>(*this, part);
    if (plays_.start) {
      if (const auto ec = plays_.start(ctx, part, why)) {
        return ec;
      }
    }
    begun = std::move(q);
    return {};
  }
  std::error_code reachable(const context&, std::string&) override { return {}; }
  database_stats now() const override { return {.in_use = in_use}; }

  std::atomic<std::size_t> in_use{0};
  std::atomic<std::size_t> most{0};  // at once

 private:
  class query final : public running {
   public:
    query(fake_database& of, std::int64_t part) : of_(of), part_(part) {
      const auto n = of_.in_use.fetch_add(1) + 1;
      for (auto seen = of_.most.load(); seen < n && !of_.most.compare_exchange_weak(seen, n);) {
      }
    }
    ~query() override { of_.in_use.fetch_sub(1); }
    std::error_code rows(const context& ctx, row_sink& to, std::string& why) override {
      return of_.plays_.rows(ctx, part_, to, why);
    }

   private:
    fake_database& of_;
    std::int64_t part_;
  };

  const script& plays_;
};

inline const std::vector<std::string> one_column = {"x"};

// So many rows of one number, then the end.
inline std::error_code few_rows(const context& ctx, row_sink& to, std::int64_t from, int count) {
  auto ec = to.columns(ctx, one_column);
  for (int i = 0; i < count && !ec; ++i) {
    const field f = from + i;
    ec = to.row(ctx, {&f, 1});
  }
  return ec;
}

// The databases "a", "b" ... with the report "r", which knows its part, and /fanout over them.
class fanned {
 public:
  explicit fanned(script plays, fanout_options how = {.report = "r"}, std::size_t databases = 1)
      : plays_(std::move(plays)) {
    std::vector<named_database*> all;
    for (std::size_t i = 0; i < databases; ++i) {
      auto engine = std::make_unique<fake_database>(plays_);
      engines.push_back(engine.get());
      const report r{"r",
                     "",
                     "SELECT",
                     {{"part", integer_range{0, 99}, {}},
                      {"parts", integer_range{1, 100}, {}},
                      {"n", integer_range{0, 9}, value(std::int64_t{1})}}};
      sources.push_back(std::make_unique<named_database>(std::string(1, static_cast<char>('a' + i)),
                                                         "fake", std::move(engine),
                                                         std::map<std::string, report>{{"r", r}}));
      all.push_back(sources.back().get());
    }
    fanout.emplace(std::move(how), all);
  }

  using parameters = std::multimap<std::string, std::string>;
  struct answer {
    int status = 0;  // of the head
    std::string body{};
    bool whole = false;
    std::string problem{};  // what was thrown, by the handler or out of its stream
  };

  // `each` sees the pieces; false: the client has left, without a word to the context.
  answer ask(const context& ctx, const parameters& given, const std::string& accept = "",
             const std::function<bool(const std::string& piece)>& each = {}) {
    http::request req("GET", test::target_with(given), {{"Accept", accept}});
    answer a;
    http::reply res(ctx, req);
    taker takes(a, each);
    http::reply_access::sink(res) = &takes;
    const auto handler = fanout->handler();
    try {
      run_blocking(handler.begin(ctx, req, res));
      a.whole = a.status == 200 && !ctx.done() && !takes.left;
    } catch (const http::problem_error& e) {
      a.status = a.status == 200 ? 200 : e.status();
      a.problem = e.what();
    }
    return a;
  }

  // The client.
  struct taker final : http::piece_sink {
    taker(answer& to, const std::function<bool(const std::string& piece)>& f) : a(to), each(f) {}
    bool write(const context& ctx, std::string_view piece) override {
      if (ctx.done() || left) {
        return true;
      }
      a.status = 200;
      a.body.append(piece);
      left = each && !piece.empty() && !each(std::string(piece));
      return true;
    }
    task<>& rest() noexcept override { return nothing; }
    std::error_code result(const context& ctx) const noexcept override {
      return ctx.done() ? ctx.err()
             : left     ? std::make_error_code(std::errc::broken_pipe)
                        : std::error_code();
    }

    answer& a;
    const std::function<bool(const std::string& piece)>& each;
    bool left = false;
    task<> nothing;
  };

  std::uint64_t ended(part_end e) const { return fanout->ended(e); }
  std::size_t in_use() const {
    std::size_t n = 0;
    for (const auto* e : engines) {
      n += e->in_use;
    }
    return n;
  }

  std::vector<fake_database*> engines;
  std::vector<std::unique_ptr<named_database>> sources;
  std::optional<query::fanout> fanout;

 private:
  const script plays_;
};

}  // namespace hangup::query
