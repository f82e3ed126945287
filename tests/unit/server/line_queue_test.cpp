// Lines from many threads to one.
#include "server/line_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace hangup::server {
namespace {

constexpr std::size_t place_size = line_queue::bytes_of_a_place;
constexpr std::size_t one_write = 4096;

// Everything that is there.
std::string taken(line_queue& q) {
  std::string all;
  std::string some;
  std::uint64_t lost = 0;
  do {
    some.clear();
    q.take(some, one_write, q.now().end, lost);
    all += some;
  } while (!some.empty());
  EXPECT_EQ(lost, 0U);
  return all;
}

TEST(line_queue, gives_lines_back_whole_and_in_order_wherever_its_memory_ends) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    line_queue q(1 + random() % 40);
    std::string in;
    std::string out;
    for (int i = 0; i < 2000; ++i) {
      const std::string line(1 + random() % 700, static_cast<char>('a' + i % 26));
      in += q.add(line, q.places()) > 0 ? line : "";
      out += random() % 4 == 0 ? taken(q) : "";
    }
    EXPECT_EQ(out + taken(q), in);
  }
}

TEST(line_queue, refuses_a_line_that_finds_too_few_places_and_keeps_those_that_wait) {
  line_queue q(4);
  EXPECT_EQ(q.add(std::string(place_size, 'a'), 4), 1U);
  EXPECT_EQ(q.add(std::string(place_size + 1, 'b'), 4), 3U) << "it takes two";
  EXPECT_EQ(q.add(std::string(place_size + 1, 'c'), 4), 0U);
  EXPECT_EQ(q.add("d", 3), 0U) << "no more than three may be taken then";
  EXPECT_EQ(q.add("e", 4), 4U);
  EXPECT_EQ(q.add("f", 4), 0U);
  EXPECT_EQ(taken(q), std::string(place_size, 'a') + std::string(place_size + 1, 'b') + "e");
  EXPECT_EQ(q.add("g", 4), 1U) << "the places are free again";
  EXPECT_EQ(q.add(std::string(4 * place_size + 1, 'h'), 100), 0U) << "it never fits";
  EXPECT_EQ(taken(q), "g");
}

TEST(line_queue, gives_whole_lines_up_to_a_size_and_a_longer_one_by_itself) {
  line_queue q(100);
  const std::string longer(one_write + 1, 'x');
  for (const auto& line : {std::string(3000, 'a'), std::string(1096, 'b'), std::string("c"), longer,
                           std::string("d")}) {
    ASSERT_GT(q.add(line, 100), 0U);
  }
  std::uint64_t lost = 0;
  const auto end = q.now().end;
  const auto next = [&] {
    std::string some;
    const bool last = q.take(some, one_write, end, lost);
    EXPECT_EQ(last, some == "d");
    return some;
  };
  EXPECT_EQ(next(), std::string(3000, 'a') + std::string(1096, 'b'));
  EXPECT_EQ(next(), "c");
  EXPECT_EQ(next(), longer);
  ASSERT_GT(q.add("later", 100), 0U);
  EXPECT_EQ(next(), "d") << "what came behind the end is left";
  EXPECT_EQ(taken(q), "later");
}

TEST(line_queue, refuses_everything_when_it_is_closed_and_gives_what_it_has) {
  line_queue q(4);
  ASSERT_EQ(q.add("a", 4), 1U);
  EXPECT_FALSE(q.now().closed);
  q.close();
  EXPECT_TRUE(q.now().closed);
  EXPECT_EQ(q.now().taken, 1U);
  EXPECT_EQ(q.add("b", 4), 0U);
  EXPECT_EQ(taken(q), "a");
  EXPECT_EQ(q.now().taken, 0U);
}

TEST(line_queue, has_the_line_of_a_thread_that_continues_another_behind_that_ones) {
  constexpr int turns = 3000;
  line_queue q(turns);
  std::atomic<int> turn{0};
  const auto every_second = [&](int first) {
    for (int i = first; i < turns; i += 2) {
      while (turn.load() != i) {
        std::this_thread::yield();
      }
      q.add(std::to_string(i) + "\n", q.places());
      turn.store(i + 1);
    }
  };
  std::thread other(every_second, 1);
  every_second(0);
  other.join();
  std::string all;
  for (int i = 0; i < turns; ++i) {
    all += std::to_string(i) + "\n";
  }
  EXPECT_EQ(taken(q), all);
}

class lines_of_several_threads : public ::testing::TestWithParam<unsigned> {};

TEST_P(lines_of_several_threads, keep_the_order_of_each_and_are_taken_or_refused) {
  const unsigned seed = GetParam();
  SCOPED_TRACE("seed " + std::to_string(seed));
  constexpr unsigned threads = 4;
  constexpr int each = 4000;
  line_queue q(1 + seed * 7 % 64);
  std::atomic<int> refused{0};
  std::vector<std::thread> all;
  for (unsigned t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      std::mt19937 random(seed * 31 + t);
      for (int i = 0; i < each; ++i) {
        const auto line = std::to_string(t) + " " + std::to_string(i) + " " +
                          std::string(random() % 600, static_cast<char>('a' + t)) + "\n";
        refused += q.add(line, q.places()) == 0 ? 1 : 0;
      }
    });
  }
  std::atomic<bool> over{false};
  std::string out;
  std::thread reader([&] {
    while (!over) {
      out += taken(q);
      std::this_thread::yield();
    }
    out += taken(q);
  });
  for (auto& t : all) {
    t.join();
  }
  over = true;
  reader.join();
  std::map<unsigned, int> last;
  int came = 0;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line); ++came) {
    std::istringstream words(line);
    unsigned t = threads;
    int i = -1;
    std::string filling;
    words >> t >> i >> filling;
    ASSERT_LT(t, threads) << line;
    const auto before = last.contains(t) ? last[t] : -1;
    ASSERT_GT(i, before) << line;
    last[t] = i;
    ASSERT_EQ(filling.find_first_not_of(static_cast<char>('a' + t)), std::string::npos) << line;
  }
  EXPECT_EQ(came + refused, static_cast<int>(threads) * each);
}

INSTANTIATE_TEST_SUITE_P(by_seed, lines_of_several_threads, ::testing::Range(1U, 9U));

}  // namespace
}  // namespace hangup::server
