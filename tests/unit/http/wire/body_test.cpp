// Where a body ends, to the byte, however it arrives; what is not strictly framed has no end.
#include "http/wire/body.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hangup::http {
namespace {

using result = body_scan::result;

constexpr std::uint64_t plenty = 1 << 20;

struct fed {
  result is;
  std::size_t taken;
};

fed feed(body_scan scan, std::string_view bytes) {
  const auto taken = scan.feed(bytes);
  return {scan.state(), taken};
}

// The data of a body in chunks, fed in pieces of this size.
std::string data_of(std::string_view bytes, std::size_t step) {
  auto scan = body_scan::of_chunks(plenty);
  std::string data;
  for (std::size_t at = 0; at < bytes.size() && !scan.complete(); at += step) {
    scan.feed(bytes.substr(at, step), [&](std::string_view run) {
      EXPECT_FALSE(run.empty());
      data.append(run);
    });
  }
  EXPECT_TRUE(scan.complete());
  return data;
}

fed chunks(std::string_view bytes, std::uint64_t largest = plenty) {
  return feed(body_scan::of_chunks(largest), bytes);
}

TEST(body, that_is_none_is_complete) {
  for (body_scan none :
       {body_scan(), body_scan::of_length(0, plenty), body_scan::of_length(0, 0)}) {
    EXPECT_TRUE(none.complete());
    EXPECT_FALSE(none.refused());
    EXPECT_EQ(none.feed("GET / HTTP/1.1"), 0U);
    EXPECT_TRUE(none.complete());
  }
}

TEST(body_of_length, takes_exactly_that) {
  const std::string bytes = "hello, and the next";
  for (std::size_t length = 1; length < bytes.size(); ++length) {
    const auto f = feed(body_scan::of_length(length, plenty), bytes);
    EXPECT_EQ(f.is, result::complete);
    EXPECT_EQ(f.taken, length);
  }
  EXPECT_EQ(feed(body_scan::of_length(5, plenty), "hell").is, result::more);
  EXPECT_EQ(feed(body_scan::of_length(5, plenty), "").is, result::more);
}

TEST(body_of_length, is_bounded) {
  EXPECT_FALSE(body_scan::of_length(10, 10).refused());
  auto scan = body_scan::of_length(11, 10);
  EXPECT_TRUE(scan.refused());
  EXPECT_EQ(scan.state(), result::too_large);
  EXPECT_EQ(scan.feed("0123456789a"), 0U);
  EXPECT_EQ(body_scan::of_length(~std::uint64_t{0}, plenty).state(), result::too_large);
}

const std::vector<std::string>& well_formed() {
  static const std::vector<std::string> all = {
      "0\r\n\r\n",
      "5\r\nhello\r\n0\r\n\r\n",
      "1\r\n\r\r\n2\r\n\r\n\r\n0\r\n\r\n",
      "a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n",
      "000000000000005\r\nhello\r\n0\r\n\r\n",
      "5;name=value\r\nhello\r\n0;x=\"y z\";w\r\n\r\n",
      "5;\r\nhello\r\n0\r\n\r\n",
      "10\r\n0\r\n\r\nGET / HTTP/\r\n0\r\n\r\n",
      "00000000000000000000000000000005\r\nhello\r\n0\r\n\r\n",
      "5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
      "5\r\nhello\r\n0\r\nA:\r\nContent-Length: 9\r\nB: \t\xe4 :\r\n\r\n",
  };
  return all;
}

TEST(body_of_chunks, ends_with_the_last_chunk_and_leaves_what_follows) {
  for (const auto& text : well_formed()) {
    const auto f = chunks(text + "GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(f.is, result::complete) << text;
    EXPECT_EQ(f.taken, text.size()) << text;
  }
}

TEST(body_of_chunks, is_the_same_at_every_split_and_byte_by_byte) {
  for (const auto& text : well_formed()) {
    const auto all = text + "GET /";
    for (std::size_t first = 0; first <= text.size(); ++first) {
      auto scan = body_scan::of_chunks(plenty);
      ASSERT_EQ(scan.feed(std::string_view(all).substr(0, first)), first);
      ASSERT_EQ(scan.complete(), first == text.size()) << text << " at " << first;
      ASSERT_EQ(scan.feed(std::string_view(all).substr(first)), text.size() - first);
      ASSERT_TRUE(scan.complete()) << text << " at " << first;
    }
    auto scan = body_scan::of_chunks(plenty);
    for (std::size_t i = 0; i < text.size(); ++i) {
      ASSERT_FALSE(scan.complete());
      ASSERT_EQ(scan.feed({text.data() + i, 1}), 1U);
    }
    ASSERT_TRUE(scan.complete());
  }
}

TEST(body_of_chunks, that_is_malformed_is_refused_at_that_byte_however_it_arrives) {
  struct bad {
    std::string text;
    std::size_t taken;  // what came before the byte that cannot be
  };
  const std::vector<bad> all = {
      {" 5\r\nhello\r\n", 0},
      {"+5\r\nhello\r\n", 0},
      {"-5\r\nhello\r\n", 0},
      {"0x5\r\nhello\r\n", 1},
      {"5 \r\nhello\r\n", 2},
      {"5 x;y\r\nhello\r\n", 2},
      {"5\nhello\r\n", 1},
      {"5\r hello", 2},
      {"\r\n", 0},
      {";x\r\n", 0},
      {"g\r\n", 0},
      {"5;x\nhello\r\n", 3},
      {"5;x\rhello\r\n", 4},
      {"5\r\nhelloo\r\n", 8},
      {"5\r\nhello\n", 8},
      {"5\r\nhello\rX", 9},
      {"5\r\nhello\r\n\r\n", 10},
      {std::string("5;\0\r\n", 5), 2},
      {"5;\x7f\r\n", 2},
      {"0\r\n\n", 3},
      {"0\r\n\rX", 4},
      {"0\r\nGET / HTTP/1.1\r\n", 6},
      {"0\r\n: x\r\n\r\n", 3},
      {"0\r\n X: y\r\n\r\n", 3},
      {"0\r\nX : y\r\n\r\n", 4},
      {"0\r\nX\r\n\r\n", 4},
      {"0\r\nX: y\n\r\n", 7},
      {"0\r\nX: y\rz\r\n", 8},
      {"0\r\nX: y\r\n z\r\n\r\n", 9},
      {std::string("0\r\nX: \0\r\n\r\n", 12), 6},
      {"0\r\nX: y\r\n\n", 9},
      {"5;" + std::string(257, 'x') + "\r\n", 258},
      {std::string(257, '0') + "5\r\n", 256},
      {"05;" + std::string(256, 'x') + "\r\n", 258},
  };
  for (const auto& b : all) {
    const auto f = chunks(b.text);
    EXPECT_EQ(f.is, result::malformed) << b.text;
    EXPECT_EQ(f.taken, b.taken) << b.text;
    for (std::size_t first = 0; first < b.text.size(); ++first) {
      auto scan = body_scan::of_chunks(plenty);
      auto taken = scan.feed(std::string_view(b.text).substr(0, first));
      taken += scan.feed(std::string_view(b.text).substr(first));
      ASSERT_EQ(scan.state(), result::malformed) << b.text << " at " << first;
      ASSERT_EQ(scan.feed("0\r\n\r\n"), 0U) << "refused for good";
      if (first <= b.taken) {
        ASSERT_EQ(taken, b.taken) << b.text << " at " << first;
      }
    }
  }
}

TEST(body_of_chunks, with_too_many_digits_is_too_large) {
  EXPECT_EQ(chunks("fffffffffffffff\r\n").is, result::too_large);
  EXPECT_EQ(chunks("ffffffffffffffff\r\n").is, result::too_large);
  EXPECT_EQ(chunks("10000000000000005\r\n").is, result::too_large) << "would wrap to 5";
}

TEST(body_of_chunks, may_have_leading_zeros_in_a_size_up_to_a_bound) {
  EXPECT_EQ(
      chunks(std::string(250, '0') + "5\r\nhello\r\n" + std::string(256, '0') + "\r\n\r\n").is,
      result::complete);
  EXPECT_EQ(chunks(std::string(256, '0')).is, result::more);
  EXPECT_EQ(chunks(std::string(257, '0')).is, result::malformed);
}

TEST(body_of_chunks, has_the_data_of_its_chunks_and_nothing_of_their_framing) {
  const std::vector<std::pair<std::string, std::string>> all = {
      {"0\r\n\r\n", ""},
      {"5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"5;a=b\r\nhello\r\n03\r\n, y\r\n2\r\n\r\n\r\n0;c\r\nTrailer: x\r\n\r\n", "hello, y\r\n"},
      {"10\r\n0\r\n\r\nGET / HTTP/\r\n0\r\n\r\n", "0\r\n\r\nGET / HTTP/"},
  };
  for (const auto& [bytes, data] : all) {
    for (std::size_t step = 1; step <= bytes.size() + 4; ++step) {
      ASSERT_EQ(data_of(bytes + "GET ", step), data) << bytes << " in steps of " << step;
    }
  }
}

TEST(body_of_length, is_all_data) {
  auto scan = body_scan::of_length(5, plenty);
  std::string data;
  const auto keep = [&](std::string_view run) { data.append(run); };
  EXPECT_EQ(scan.feed("hel", keep), 3U);
  EXPECT_EQ(scan.feed("lo, and the next", keep), 2U);
  EXPECT_EQ(data, "hello");
  EXPECT_TRUE(scan.complete());
}

TEST(body_of_chunks, counts_the_data_of_all_chunks_and_not_their_framing) {
  const std::string ten = "5\r\nhello\r\n5;some=extension\r\nhello\r\n";
  EXPECT_EQ(chunks(ten + "0\r\n\r\n", 10).is, result::complete);
  EXPECT_EQ(chunks(ten + "0\r\n\r\n", 9).is, result::too_large);
  EXPECT_EQ(chunks(ten + "1\r\n", 10).is, result::too_large) << "as soon as it is announced";
  EXPECT_EQ(chunks(ten + "1;x\r\n", 10).is, result::too_large);
  EXPECT_EQ(chunks("b\r\n", 10).is, result::too_large);
  EXPECT_EQ(chunks("0\r\n\r\n", 0).is, result::complete);
}

TEST(body_of_chunks, bounds_the_extensions_of_each_chunk) {
  const auto chunk = "1;" + std::string(256, 'x') + "\r\na\r\n";
  EXPECT_EQ(chunks(chunk + chunk + chunk + "0\r\n\r\n").is, result::complete);
  auto scan = body_scan::of_chunks(plenty);
  scan.feed(chunk + "1;" + std::string(257, 'x'));
  EXPECT_EQ(scan.state(), result::malformed);
  EXPECT_EQ(scan.why().status, 400);
  EXPECT_EQ(scan.why().over, limit::line_bytes);
  EXPECT_NE(scan.why().detail.find("256"), std::string::npos);
}

TEST(body_of_chunks, bounds_its_trailers_as_a_head_is_bounded) {
  head_limits few;
  few.bytes = 20;
  few.headers = 2;
  const auto with = [](const std::string& trailers, const head_limits& limits) {
    auto scan = body_scan::of_chunks(plenty, limits);
    scan.feed("0\r\n" + trailers + "\r\n");
    return scan;
  };
  EXPECT_TRUE(with("A: b\r\nC: d\r\n", few).complete());
  const auto many = with("A: b\r\nC: d\r\nE: f\r\n", few);
  EXPECT_EQ(many.state(), result::trailers_too_large);
  EXPECT_EQ(many.why().status, 431);
  EXPECT_EQ(many.why().over, limit::headers);
  EXPECT_TRUE(with("A: 0123456789abcde\r\n", few).complete()) << "20 bytes";
  const auto large = with("A: 0123456789abcdef\r\n", few);
  EXPECT_EQ(large.state(), result::trailers_too_large);
  EXPECT_EQ(large.why().over, limit::head_bytes);
  EXPECT_TRUE(with("A:" + std::string(head_limits::line - 2, 'x') + "\r\n", {}).complete());
  const auto line = with("A:" + std::string(head_limits::line - 1, 'x') + "\r\n", {});
  EXPECT_EQ(line.state(), result::trailers_too_large);
  EXPECT_EQ(line.why().over, limit::line_bytes);
}

TEST(a_body, that_is_refused_says_why) {
  const auto large = body_scan::of_length(11, 10).why();
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.over, limit::body_bytes);
  EXPECT_NE(large.detail.find("10 bytes"), std::string::npos);
  auto scan = body_scan::of_chunks(10);
  scan.feed("b\r\n");
  EXPECT_EQ(scan.why().status, 413);
  auto bad = body_scan::of_chunks(10);
  bad.feed("x\r\n");
  EXPECT_EQ(bad.why().status, 400);
  EXPECT_EQ(bad.why().over, limit::none);
}

TEST(body_of_chunks, takes_much_data_in_little_time) {
  const std::string data(plenty, 'x');
  auto scan = body_scan::of_chunks(plenty);
  EXPECT_EQ(scan.feed("100000\r\n"), 8U);
  EXPECT_EQ(scan.feed(data), data.size());
  EXPECT_EQ(scan.feed("\r\n0\r\n\r\n"), 7U);
  EXPECT_TRUE(scan.complete());
}

}  // namespace
}  // namespace hangup::http
