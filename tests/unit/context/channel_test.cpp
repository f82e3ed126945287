// channel<T> without a second thread: what goes in, what comes out, and who gets which error.
#include "hangup/context/channel.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>

#include "tests/unit/context/channel_support.h"

namespace hangup {
namespace {

using namespace test;

cancelable ended() {
  auto c = with_cancel(background());
  c.cancel();
  return c;
}

TEST(channel, values_come_out_in_the_order_in_which_they_went_in) {
  channel<int> ch(3);
  int next_in = 0;
  int next_out = 0;
  for (const int step : {3, -1, 1, -2, 2, -3, 1, -1, 3, -3}) {  // round its end in all positions
    for (int i = 0; i < step; ++i) {
      ASSERT_FALSE(ch.send(background(), next_in++));
    }
    for (int i = 0; i < -step; ++i) {
      int got = -1;
      ASSERT_FALSE(ch.receive(background(), got));
      ASSERT_EQ(got, next_out++);
    }
    ASSERT_EQ(ch.size(), static_cast<std::size_t>(next_in - next_out));
  }
}

TEST(channel, behaves_like_a_bounded_deque_in_any_sequence_of_calls) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    const std::size_t capacity = 1 + random() % 7;
    channel<std::string> ch(capacity);
    std::deque<std::string> model;
    bool closed = false;
    for (int step = 0; step < 500; ++step) {
      if (random() % 2 == 0) {
        auto value = std::to_string(step) + " is too long to live in the string itself";
        const auto kept = value;
        const auto ec = ch.try_send(std::move(value));
        if (closed) {
          ASSERT_EQ(ec, channel_errc::closed);
        } else if (model.size() == capacity) {
          ASSERT_EQ(ec, channel_errc::full);
        } else {
          ASSERT_FALSE(ec);
          model.push_back(kept);
        }
      } else {
        std::string got = "nothing";
        const auto ec = ch.try_receive(got);
        if (model.empty()) {
          ASSERT_EQ(ec, closed ? channel_errc::closed : channel_errc::empty);
          ASSERT_EQ(got, "nothing");
        } else {
          ASSERT_FALSE(ec);
          ASSERT_EQ(got, model.front());
          model.pop_front();
        }
      }
      ASSERT_EQ(ch.size(), model.size());
      if (random() % 400 == 0) {
        ch.close();
        closed = true;
      }
    }
  }
}

TEST(channel, needs_room_for_one_value) {
  EXPECT_THROW(channel<int>(0), std::invalid_argument);
  EXPECT_EQ(channel<int>(1).capacity(), 1U);
  EXPECT_EQ(channel<int>(7).capacity(), 7U);
  EXPECT_EQ(channel<int>(7).size(), 0U);
}

TEST(channel, errors_say_in_words_what_they_are) {
  EXPECT_STREQ(channel_category().name(), "channel");
  EXPECT_EQ(make_error_code(channel_errc::closed).message(), "the channel is closed");
  EXPECT_EQ(make_error_code(channel_errc::empty).message(), "the channel is empty");
  EXPECT_EQ(make_error_code(channel_errc::full).message(), "the channel is full");
  EXPECT_EQ(make_error_code(channel_errc::empty), std::errc::operation_would_block);
  EXPECT_EQ(make_error_code(channel_errc::full), std::errc::operation_would_block);
  EXPECT_NE(make_error_code(channel_errc::closed), std::errc::operation_would_block);
}

TEST(channel, a_value_that_finds_no_room_is_left_alone) {
  channel<std::unique_ptr<int>> ch(1);
  ASSERT_FALSE(ch.try_send(std::make_unique<int>(1)));
  auto kept = std::make_unique<int>(2);
  EXPECT_EQ(ch.try_send(std::move(kept)), channel_errc::full);
  ch.close();
  // NOLINTBEGIN(bugprone-use-after-move): that is the point
  EXPECT_EQ(ch.try_send(std::move(kept)), channel_errc::closed);
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(*kept, 2);
  // NOLINTEND(bugprone-use-after-move)
}

TEST(channel, an_lvalue_is_copied_by_try_send) {
  channel<std::string> ch(1);
  const std::string text = "text that is too long to live in the string itself";
  ASSERT_FALSE(ch.try_send(text));
  std::string got;
  ASSERT_FALSE(ch.try_receive(got));
  EXPECT_EQ(got, text);
}

TEST(channel, a_closed_one_refuses_senders_and_lets_receivers_drain) {
  channel<int> ch(2);
  ASSERT_FALSE(ch.send(background(), 1));
  ch.close();
  EXPECT_EQ(ch.send(background(), 2).get(), channel_errc::closed);
  EXPECT_EQ(ch.try_send(2), channel_errc::closed);
  int got = 0;
  EXPECT_FALSE(ch.receive(background(), got));
  EXPECT_EQ(got, 1);
  EXPECT_EQ(ch.receive(background(), got).get(), channel_errc::closed);
  EXPECT_EQ(ch.try_receive(got), channel_errc::closed);
  EXPECT_EQ(got, 1);
}

TEST(channel, a_closed_and_full_one_says_closed_to_senders) {
  channel<int> ch(1);
  ASSERT_FALSE(ch.try_send(1));
  ch.close();
  EXPECT_EQ(ch.try_send(2), channel_errc::closed);
  EXPECT_EQ(ch.send(background(), 2).get(), channel_errc::closed);
}

TEST(channel, a_second_close_does_nothing) {
  channel<int> ch(1);
  ASSERT_FALSE(ch.try_send(1));
  ch.close();
  ch.close();
  int got = 0;
  EXPECT_FALSE(ch.try_receive(got));
  EXPECT_EQ(ch.try_receive(got), channel_errc::closed);
}

TEST(channel, an_ended_context_sends_nothing_though_there_is_room) {
  channel<int> ch(1);
  const auto c = ended();
  EXPECT_EQ(ch.send(c.ctx, 1).get(), errc::canceled);
  EXPECT_EQ(ch.size(), 0U);
  const auto late = with_timeout(background(), -1s);
  EXPECT_EQ(ch.send(late.ctx, 1).get(), errc::deadline_exceeded);
  EXPECT_EQ(ch.size(), 0U);
}

TEST(channel, an_ended_context_receives_nothing_though_there_is_a_value) {
  channel<int> ch(1);
  ASSERT_FALSE(ch.try_send(1));
  const auto c = ended();
  int got = 0;
  EXPECT_EQ(ch.receive(c.ctx, got).get(), errc::canceled);
  const auto late = with_timeout(background(), -1s);
  EXPECT_EQ(ch.receive(late.ctx, got).get(), errc::deadline_exceeded);
  EXPECT_EQ(got, 0);
  EXPECT_EQ(ch.size(), 1U);
}

TEST(channel, an_ended_context_is_reported_before_a_close) {
  channel<int> ch(1);
  ch.close();
  const auto c = ended();
  int got = 0;
  EXPECT_EQ(ch.send(c.ctx, 1).get(), errc::canceled);
  EXPECT_EQ(ch.receive(c.ctx, got).get(), errc::canceled);
}

TEST(channel, a_value_that_is_not_sent_is_destroyed) {
  channel<std::shared_ptr<int>> ch(1);
  const auto value = std::make_shared<int>(1);
  EXPECT_EQ(ch.send(ended().ctx, value).get(), errc::canceled);
  EXPECT_EQ(value.use_count(), 1);
  ch.close();
  EXPECT_EQ(ch.send(background(), value).get(), channel_errc::closed);
  EXPECT_EQ(value.use_count(), 1);
}

TEST(channel, what_is_left_is_destroyed_with_the_channel_and_nothing_is_kept_of_the_rest) {
  const auto value = std::make_shared<int>(1);
  {
    channel<std::shared_ptr<int>> ch(3);
    for (int i = 0; i < 3; ++i) {
      ASSERT_FALSE(ch.send(background(), value));
    }
    EXPECT_EQ(value.use_count(), 4);
    std::shared_ptr<int> got;
    ASSERT_FALSE(ch.receive(background(), got));
    ASSERT_FALSE(ch.receive(background(), got));
    got.reset();
    EXPECT_EQ(value.use_count(), 2);
    ASSERT_FALSE(ch.send(background(), value));  // the two that are left lie round its end
    EXPECT_EQ(value.use_count(), 3);
  }
  EXPECT_EQ(value.use_count(), 1);
}

TEST(channel, takes_types_without_a_default_and_with_a_large_alignment) {
  struct alignas(64) wide_value {
    explicit wide_value(int v) : value(v) {}
    int value;
  };
  channel<wide_value> ch(3);
  for (int i = 0; i < 3; ++i) {
    ASSERT_FALSE(ch.try_send(wide_value(i)));
  }
  wide_value got(-1);
  for (int i = 0; i < 3; ++i) {
    ASSERT_FALSE(ch.receive(background(), got));
    EXPECT_EQ(got.value, i);
  }
}

TEST(channel, what_a_variable_held_before_is_destroyed_without_the_lock) {
  channel<std::shared_ptr<int>> ch(2);
  ASSERT_FALSE(ch.try_send(std::make_shared<int>(1)));
  std::size_t seen = 9;
  std::shared_ptr<int> into(new int(0), [&](const int* p) {
    seen = ch.size();  // would hang here
    delete p;
  });
  ASSERT_FALSE(ch.receive(background(), into));
  EXPECT_EQ(seen, 0U);
}

TEST(channel, a_value_that_cannot_be_moved_in_changes_nothing) {
  {
    channel<fragile> ch(2);
    ASSERT_FALSE(ch.try_send(fragile(1)));
    fragile::constructions_to_fail = 1;
    EXPECT_THROW((void)ch.send(background(), fragile(2)).get(), std::runtime_error);
    fragile::constructions_to_fail = 1;
    EXPECT_THROW((void)ch.try_send(fragile(3)), std::runtime_error);
    EXPECT_EQ(ch.size(), 1U);
    ASSERT_FALSE(ch.try_send(fragile(4)));
    fragile got(0);
    for (const int value : {1, 4}) {
      ASSERT_FALSE(ch.try_receive(got));
      EXPECT_EQ(got.value, value);
    }
    EXPECT_EQ(ch.try_receive(got), channel_errc::empty);
  }
  EXPECT_EQ(fragile::alive, 0);
}

TEST(channel, a_value_that_cannot_be_moved_out_stays_the_first) {
  {
    channel<fragile> ch(3);
    ASSERT_FALSE(ch.try_send(fragile(1)));
    ASSERT_FALSE(ch.try_send(fragile(2)));
    fragile got(0);
    fragile::constructions_to_fail = 1;
    EXPECT_THROW((void)ch.receive(background(), got).get(), std::runtime_error);
    fragile::constructions_to_fail = 1;
    EXPECT_THROW((void)ch.try_receive(got), std::runtime_error);
    EXPECT_EQ(got.value, 0);
    EXPECT_EQ(ch.size(), 2U);
    for (const int value : {1, 2}) {
      ASSERT_FALSE(ch.try_receive(got));
      EXPECT_EQ(got.value, value);
    }
  }
  EXPECT_EQ(fragile::alive, 0);
}

TEST(channel, a_value_that_cannot_be_assigned_is_lost_and_the_others_are_not) {
  {
    channel<fragile> ch(2);
    ASSERT_FALSE(ch.try_send(fragile(1)));
    ASSERT_FALSE(ch.try_send(fragile(2)));
    fragile got(0);
    fragile::assignments_to_fail = 1;
    EXPECT_THROW((void)ch.receive(background(), got).get(), std::runtime_error);
    ASSERT_FALSE(ch.receive(background(), got));
    EXPECT_EQ(got.value, 2);
    EXPECT_EQ(ch.size(), 0U);
  }
  EXPECT_EQ(fragile::alive, 0);
}

}  // namespace
}  // namespace hangup
