// describe(ctx): how a context came about.
#include <gtest/gtest.h>
#include <signal.h>

#include <optional>
#include <regex>
#include <stop_token>
#include <string>

#include "hangup/context/bridge.h"
#include "hangup/context/shield.h"
#include "hangup/context/signal.h"
#include "hangup/context/task_group.h"
#include "tests/unit/context/support.h"

namespace hangup {

struct described_key {
  using type = std::string;
};

namespace {

using namespace test;

bool like(const context& ctx, const std::string& pattern) {
  return std::regex_match(describe(ctx), std::regex(pattern));
}

TEST(describe_context, names_the_roots) {  // B1 B2
  EXPECT_EQ(describe(background()), "background");
  EXPECT_EQ(describe(todo()), "todo");
  EXPECT_NE(background(), todo());
}

TEST(describe_context, names_each_layer_from_the_root_down) {  // B4
  EXPECT_EQ(describe(with_cancel(background()).ctx), "background.with_cancel");
  EXPECT_EQ(describe(with_cancel(todo()).ctx), "todo.with_cancel");
  EXPECT_EQ(describe(without_cancel(background())), "background.without_cancel");
  const auto a = with_cancel(background());
  EXPECT_EQ(describe(without_cancel(with_cancel(a.ctx).ctx)),
            "background.with_cancel.with_cancel.without_cancel");
}

TEST(describe_context, names_keys_and_never_values) {  // B50
  const auto secret = with_value<described_key>(background(), "s3cr3t");
  EXPECT_EQ(describe(secret), "background.with_value(hangup::described_key)");
}

TEST(describe_context, says_how_much_time_is_left) {  // B21
  EXPECT_EQ(describe(with_timeout(background(), -1s).ctx), "background.with_deadline(passed)");
  const auto c = with_timeout(background(), 3'600'500ms);
  EXPECT_TRUE(like(c.ctx, R"(background\.with_deadline\(in 3[56]\d{5} ms\))")) << describe(c.ctx);
  EXPECT_TRUE(like(with_timeout(c.ctx, 2h).ctx,
                   R"(background\.with_deadline\(in \d+ ms\)\.with_cancel)"));  // B24
  const auto soon = with_timeout(background(), 1ms);
  EXPECT_TRUE(spin_until([&] { return describe(soon.ctx) == "background.with_deadline(passed)"; }));
}

TEST(describe_context, copes_with_any_deadline) {  // B29
  const auto longest = with_timeout(background(), clock::duration::max());
  const auto latest = with_deadline(background(), clock::time_point::max() - 1ns);
  EXPECT_TRUE(like(longest.ctx, R"(background\.with_(cancel|deadline\(in \d+ ms\)))"));
  EXPECT_TRUE(like(latest.ctx, R"(background\.with_deadline\(in \d+ ms\))"));
  for (const auto& past : {with_timeout(background(), clock::duration::min()).ctx,
                           with_deadline(background(), clock::time_point::min()).ctx,
                           with_timeout(background(), std::chrono::hours::min()).ctx}) {
    EXPECT_EQ(describe(past), "background.with_deadline(passed)");
  }
}

TEST(describe_context, names_what_has_a_second_reason_to_end) {
  const auto a = with_cancel(background());
  const std::stop_source source;
  EXPECT_EQ(describe(with_either(background(), a.ctx).ctx), "background.with_either");
  EXPECT_EQ(describe(with_stop_token(a.ctx, source.get_token()).ctx),
            "background.with_cancel.with_stop_token");
  EXPECT_EQ(describe(with_signal(background(), {SIGUSR1}).ctx), "background.with_signal");
  const shield region(a.ctx, never);
  EXPECT_TRUE(
      like(region.ctx(), R"(background\.with_cancel\.without_cancel\.with_deadline\(in \d+ ms\))"));
  const task_group g(a.ctx);
  EXPECT_EQ(describe(g.ctx()), "background.with_cancel.with_cancel");
}

TEST(describe_context, is_the_same_after_the_end_and_from_many_threads) {
  const auto a = with_cancel(background());
  const auto b = with_value<described_key>(a.ctx, "x");
  const auto before = describe(b);
  together(3, [&](int i) {
    if (i == 0) {
      a.cancel();
    }
    EXPECT_EQ(describe(b), before);
  });
}

TEST(describe_context, a_deep_chain_needs_no_deep_stack) {
  std::optional<context> leaf(background());
  for (int i = 0; i < 100'000; ++i) {
    leaf.emplace(without_cancel(*leaf));
  }
  EXPECT_EQ(describe(*leaf).size(), 10U + 100'000U * 15U);
}

TEST(describe_location, is_file_and_line_or_nothing) {
  EXPECT_EQ(describe(location{"worker/pool.cpp", 12}), "worker/pool.cpp:12");
  EXPECT_EQ(describe(location{}), "");
}

}  // namespace
}  // namespace hangup
