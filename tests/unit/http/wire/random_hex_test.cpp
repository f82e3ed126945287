// Identifiers that do not repeat: not in a thread, not in another, not in a child.
#include "http/wire/random_hex.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace hangup::http {
namespace {

TEST(random_hex, has_lower_case_digits_all_of_which_occur) {
  const auto text = random_hex(2000);
  EXPECT_EQ(text.size(), 2000U);
  EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(std::set<char>(text.begin(), text.end()).size(), 16U);
  EXPECT_EQ(random_hex(0), "");
  for (int i = 0; i < 1000; ++i) {
    ASSERT_NE(random_hex(1), "0") << "not all of them are 0";
  }
}

TEST(random_hex, fills_no_more_than_it_is_given) {
  std::array<char, 6> text = {'x', 'x', 'x', 'x', 'x', 'x'};
  random_hex(std::span<char>(text).subspan(1, 4));
  EXPECT_EQ(text.front(), 'x');
  EXPECT_EQ(text.back(), 'x');
  EXPECT_EQ(std::string_view(text.data(), text.size()).substr(1, 4).find('x'), std::string::npos);
}

TEST(random_hex, does_not_repeat_in_any_thread) {
  std::mutex guard;
  std::set<std::string> all;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        auto id = random_hex(16);
        const std::lock_guard hold(guard);
        all.insert(std::move(id));
      }
    });
  }
  for (auto& t : threads) {
    t.join();
  }
  EXPECT_EQ(all.size(), 2000U);
}

TEST(random_hex, of_a_child_is_not_that_of_its_parent) {
  random_hex(16);  // there is something left that both could go on with
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const auto child = ::fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    const auto id = random_hex(32);
    ::_exit(::write(ends[1], id.data(), id.size()) == 32 ? 0 : 1);
  }
  const auto mine = random_hex(32);
  std::array<char, 32> text{};
  EXPECT_EQ(::read(ends[0], text.data(), text.size()), 32);
  EXPECT_NE(std::string(text.data(), text.size()), mine);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace hangup::http
