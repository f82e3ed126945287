// Attacks on memory: what a stranger can make the server keep is bounded, and given back.
#include "tests/wire/attack.h"

namespace hangup::wire {
namespace {

class memory_attack : public testing::Test {
 protected:
  void SetUp() override {
    client c = server_.connect();  // what is made once: workers, buffers of threads
    for (const auto* path :
         {"/fast", "/pool/fast", "/pool/big?size=1000000", "/big?size=1000000"}) {
      ASSERT_EQ(c.ask(get(path)).status, 200);
    }
    ASSERT_TRUE(server_.await_quiet());
    before_ = heap_in_use();
  }
  // Nothing where a sanitizer has its own heap: there the accesses are judged, not the sizes.
  std::size_t grown() const {
    const auto now = heap_in_use();
    return now > before_ ? now - before_ : 0;
  }

  live_server server_;
  std::size_t before_ = 0;
};

std::string large_head(const std::string& path) {
  std::string headers;
  for (int i = 0; i < 90; ++i) {
    headers += "X-" + std::to_string(i) + ": " + std::string(150, 'y') + "\r\n";
  }
  return get(path, headers);
}

TEST_F(memory_attack, by_a_large_head_with_each_of_many_requests_keeps_nothing_of_them) {
  client c = server_.connect();
  const auto bomb = large_head("/fast");
  const auto pooled = large_head("/pool/fast");
  ASSERT_GT(bomb.size(), 14'000U);
  for (int i = 0; i < 1'000; ++i) {  // 14 MB of headers on one connection
    ASSERT_EQ(c.ask(i % 2 == 0 ? bomb : pooled).status, 200);
  }
  EXPECT_LT(grown(), 1'000'000U) << "the recorder of the test keeps a line of each";
  EXPECT_EQ(server_.connections(), 1U);
}

TEST_F(memory_attack, by_heads_and_bodies_that_stay_incomplete_costs_what_was_sent_and_no_more) {
  constexpr std::size_t each = 200;
  std::vector<client> heads;
  std::vector<client> bodies;
  const auto head = large_head("/fast");
  const auto announced =
      "POST /pool/echo HTTP/1.1\r\nHost: test\r\nContent-Length: 8000000\r\n\r\n";
  for (std::size_t i = 0; i < each; ++i) {
    heads.push_back(server_.connect());
    ASSERT_TRUE(heads.back().send(std::string_view(head).substr(0, head.size() - 2)));
    bodies.push_back(server_.connect());
    ASSERT_TRUE(bodies.back().send(announced));  // 8 MB each, it says, and sends nothing
  }
  ASSERT_TRUE(eventually([&] { return server_.connections(http::phase::reading) == 2 * each; }));
  EXPECT_EQ(server_.busy(), 0U) << "no worker waits for them";
  // A string doubles as it grows; the rest is for the connections themselves, here and in the test.
  EXPECT_LT(grown(), each * (2 * head.size() + 8'000));
  heads.clear();
  bodies.clear();
  ASSERT_TRUE(server_.await_no_connections());
  EXPECT_TRUE(eventually([&] { return grown() < 1'000'000U; })) << grown();
}

TEST_F(memory_attack, by_chunks_of_one_byte_is_bounded_by_what_is_read_ahead) {
  const std::string head =
      "POST /pool/echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string chunks;
  for (int i = 0; i < 100'000; ++i) {
    chunks += "1\r\nx\r\n";
  }
  client c = server_.connect();
  const auto a = c.ask(head + chunks + "0\r\n\r\n");
  EXPECT_EQ(a.body.size(), 100'000U);
  EXPECT_TRUE(eventually([&] { return grown() < 1'500'000U; })) << grown();  // `chunks`, and little
}

TEST_F(memory_attack, by_pipelining_without_reading_stops_being_read) {
  client c = server_.connect(4096);
  std::string requests;
  while (requests.size() < 1'000'000) {
    requests += get("/big?size=100000");
  }
  // It reads no answer, so its requests are not read either: the kernel takes some megabytes, then
  // no more.
  std::size_t sent = 0;
  while (sent < 100'000'000) {
    const auto n = c.send_some(std::string_view(requests).substr(sent % requests.size()));
    if (n == 0 && !c.writable(300ms)) {
      break;
    }
    sent += n;
  }
  EXPECT_LT(sent, 30'000'000U);
  EXPECT_LT(grown(), 5'000'000U);
  client other = server_.connect();
  EXPECT_EQ(other.ask(get("/fast")).status, 200);
}

// Many ranges of one answer make it many times as large.
TEST_F(memory_attack, by_many_ranges_of_a_large_answer_does_not_multiply_it) {
  client c = server_.connect();
  std::string ranges = "bytes=0-";
  while (ranges.size() + 3 <= 256) {
    ranges += ",0-";
  }
  for (const auto* path : {"/big?size=1000000", "/pool/big?size=1000000"}) {
    const auto a = c.ask(get(path, "Range: " + ranges + "\r\n"));
    EXPECT_TRUE(a.whole);
    EXPECT_LT(a.body.size(), 1'100'000U) << a.status;
  }
}

TEST_F(memory_attack, by_odd_ranges_is_answered_or_refused_and_the_server_lives) {
  client c = server_.connect();
  for (const std::string r :
       {"bytes=0-0", "bytes=5-2", "bytes=-1", "bytes=-", "bytes=999999999999999999999-",
        "bytes=0-999999999999999999999", "bytes=-999999999999999999999", "bytes=1000000-",
        "bytes=0-0,5-2,-1", "bytes=9223372036854775807-9223372036854775807", "bytes=0--1", "x",
        "bytes=0-0,0-0,0-0,0-0", "lines=0-5", "bytes=", "bytes=0x0-0x5", "bytes=,,,,,"}) {
    for (const auto* path : {"/big?size=1000", "/pool/big?size=1000", "/pool/rows?n=3", "/fast"}) {
      client each = server_.connect();
      const auto a = each.ask(get(path, "Range: " + r + "\r\n"));
      EXPECT_TRUE(a.whole) << path << " " << r;
      EXPECT_TRUE(a.status == 200 || a.status == 206 || a.status == 416 || a.status == 400)
          << path << " " << r << ": " << a.status;
      EXPECT_LE(a.body.size(), 2'000U) << path << " " << r;
    }
  }
}

}  // namespace
}  // namespace hangup::wire
