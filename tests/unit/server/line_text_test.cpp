// What a line of the log is made of, compared with what the libraries make of the same values.
#include "server/line_text.h"

#include <gtest/gtest.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace hangup::server {
namespace {

using namespace std::chrono_literals;

template <class Append>
std::string made(const Append& append_to) {
  line_buffer line;
  append_to(line);
  return {line.data(), line.size()};
}

std::string json_of(std::string_view text) {
  return made([&](line_buffer& to) { append_json(to, text); });
}

std::string by_the_library(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

TEST(line_text, is_the_json_that_the_library_makes_of_every_character) {
  std::string all;
  for (char32_t c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 251) {
    std::string one;
    const auto part = [&one](char32_t bits) { one.push_back(static_cast<char>(bits)); };
    const auto rest = [&part, c](unsigned shift) { part(0x80U | (c >> shift & 0x3fU)); };
    if (c < 0x80) {
      part(c);
    } else if (c < 0x800) {
      part(0xc0U | c >> 6U);
      rest(0);
    } else if (c < 0x10000) {  // the surrogates are not UTF-8
      part(0xe0U | c >> 12U);
      rest(6);
      rest(0);
    } else {
      part(0xf0U | c >> 18U);
      rest(12);
      rest(6);
      rest(0);
    }
    ASSERT_EQ(json_of(one), by_the_library(one)) << static_cast<std::uint32_t>(c);
    all += one;
  }
  EXPECT_EQ(json_of(all), by_the_library(all));
}

TEST(line_text, is_the_json_that_the_library_makes_of_bytes_that_are_not_utf8) {
  std::mt19937 random(2026);
  // Mostly those at which the rules for a second byte change.
  constexpr std::string_view bytes =
      "a\"\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xed\xef\xf0\xf1\xf4\xf5\xff";
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (auto n = random() % 7; n > 0; --n) {
      text.push_back(random() % 8 == 0 ? static_cast<char>(random())
                                       : bytes[random() % bytes.size()]);
    }
    ASSERT_EQ(json_of(text), by_the_library(text)) << "seed 2026, text " << i;
  }
}

TEST(line_text, is_milliseconds_as_a_formatted_number_has_them) {
  const auto ms = [](std::chrono::nanoseconds d, int decimals) {
    return made([&](line_buffer& to) { append_ms(to, d, decimals); });
  };
  EXPECT_EQ(ms(0ns, 2), "0.00");
  EXPECT_EQ(ms(4999ns, 2), "0.00");
  EXPECT_EQ(ms(5001ns, 2), "0.01");
  EXPECT_EQ(ms(999'999ns, 2), "1.00");
  EXPECT_EQ(ms(1h, 2), "3600000.00");
  EXPECT_EQ(ms(42'300ns, 3), "0.042");
  EXPECT_EQ(ms(-2ms, 2), "-2.00");
  EXPECT_EQ(ms(1ns, 6), "0.000001");
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::chrono::nanoseconds d(static_cast<std::int64_t>(random() >> (random() % 40 + 20)));
    if (d.count() % 5000 != 0) {  // a binary number is never exactly in the middle
      EXPECT_EQ(ms(d, 2), fmt::format("{:.2f}", static_cast<double>(d.count()) / 1e6));
    }
  }
}

TEST(line_text, is_exact_milliseconds_as_the_json_library_reads_them) {
  const auto ms = [](std::chrono::nanoseconds d) {
    return made([&](line_buffer& to) { append_exact_ms(to, d); });
  };
  EXPECT_EQ(ms(0ns), "0.0");
  EXPECT_EQ(ms(52ns), "0.000052");
  EXPECT_EQ(ms(2s), "2000.0");
  std::mt19937_64 random(8);
  for (int i = 0; i < 20'000; ++i) {
    const std::chrono::nanoseconds d(static_cast<std::int64_t>(random() >> (random() % 40 + 20)));
    ASSERT_EQ(nlohmann::json::parse(ms(d)).get<double>(), static_cast<double>(d.count()) / 1e6);
  }
}

TEST(line_text, is_the_time_of_each_moment_and_not_of_the_one_before) {
  std::mt19937_64 random(9);
  for (int i = 0; i < 2'000; ++i) {
    const auto ms = static_cast<std::int64_t>(random() % 4'000'000'000'000U);  // until 2096
    for (const std::int64_t more : {0, 1, 999, 1000, 86'400'000}) {
      const std::chrono::system_clock::time_point at{std::chrono::milliseconds(ms + more)};
      const auto second = static_cast<std::time_t>((ms + more) / 1000);
      std::tm utc{};
      ::gmtime_r(&second, &utc);
      std::string expected(19, ' ');
      std::strftime(expected.data(), expected.size() + 1, "%Y-%m-%dT%H:%M:%S", &utc);
      expected += fmt::format(".{:03}Z", (ms + more) % 1000);
      ASSERT_EQ(made([&](line_buffer& to) { append_time(to, at); }), expected);
    }
  }
}

}  // namespace
}  // namespace hangup::server
