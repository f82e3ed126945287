// How long a client says it will wait: X-Request-Timeout-Ms and Prefer: wait, as read_head() reads
// them.
#include <gtest/gtest.h>

#include <string>

#include "http/wire/head.h"

namespace hangup::http {
namespace {

struct read {
  explicit read(const std::string& headers)
      : bytes("GET /path HTTP/1.1\r\nHost: test\r\n" + headers + "\r\n") {
    is = read_head(bytes, {}, head, why);
  }
  read(const read&) = delete;
  std::string bytes;
  request_head head;
  refusal why;
  head_is is;
};

// In milliseconds; -1: nothing was said.
long patience(const std::string& headers) {
  const read r(headers);
  EXPECT_EQ(r.is, head_is::whole) << headers << r.why.detail;
  return r.head.patience ? static_cast<long>(r.head.patience->count()) : -1;
}

TEST(patience, is_the_shorter_of_both_headers) {
  EXPECT_EQ(patience(""), -1);
  EXPECT_EQ(patience("X-Request-Timeout-Ms: 1\r\n"), 1);
  EXPECT_EQ(patience("x-request-timeout-ms:\t86400000 \r\n"), 86'400'000);
  EXPECT_EQ(patience("Prefer: wait=1\r\n"), 1'000);
  EXPECT_EQ(patience("prefer: WAIT = 86400\r\n"), 86'400'000);
  EXPECT_EQ(patience("Prefer: wait=\"7\"\r\n"), 7'000);
  EXPECT_EQ(patience("Prefer: wait=\"\\7\"; a=\"b;c\"\r\n"), 7'000);
  EXPECT_EQ(patience("Prefer: wait=2\r\nX-Request-Timeout-Ms: 1999\r\n"), 1'999);
  EXPECT_EQ(patience("X-Request-Timeout-Ms: 2001\r\nPrefer: wait=2\r\n"), 2'000);
}

TEST(patience, is_the_first_wait_of_all_preferences_and_the_others_are_ignored) {
  EXPECT_EQ(patience("Prefer:\r\n"), -1);
  EXPECT_EQ(patience("Prefer: return=minimal; wait=1, handling=lenient\r\n"), -1);
  EXPECT_EQ(patience("Prefer: waiting=1, await=2\r\n"), -1);
  EXPECT_EQ(patience("Prefer: respond-async, , wait=3; x=y, a\r\n"), 3'000);
  EXPECT_EQ(patience("Prefer: wait=3, wait=2\r\n"), 3'000);
  EXPECT_EQ(patience("Prefer: wait=3\r\nPrefer: wait=2\r\n"), 3'000);
  EXPECT_EQ(patience("Prefer: x=\"a, wait=1\", wait=2\r\n"), 2'000);
  EXPECT_EQ(patience("Prefer: x=\"a\\\", wait=1\", wait=2\r\n"), 2'000);
}

TEST(patience, that_makes_no_sense_is_refused_in_words) {
  const std::string no_ms = "X-Request-Timeout-Ms is not a number of milliseconds, 1 to 86400000";
  for (const auto* value : {"", "0", "-1", "+1", "5s", "1.5", "86400001", "18446744073709551617",
                            "5, 5", "\"5\"", "0x5", "1 2"}) {
    const read r(std::string("X-Request-Timeout-Ms: ") + value + "\r\n");
    EXPECT_EQ(r.is, head_is::refused) << value;
    EXPECT_EQ(r.why.status, 400) << value;
    EXPECT_EQ(r.why.detail, no_ms) << value;
  }
  const read twice("X-Request-Timeout-Ms: 5\r\nx-request-timeout-ms: 5\r\n");
  EXPECT_EQ(twice.why.status, 400);
  EXPECT_EQ(twice.why.detail, "more than one X-Request-Timeout-Ms header");
}

// RFC 7240 2: a preference that is not understood, or cannot be honored, is ignored; and of several
// the first counts.
TEST(patience, that_a_preference_says_without_sense_is_ignored) {
  for (const auto* value :
       {"wait", "wait=", "wait=\"\"", "wait=\"5", "wait=5\"", "wait=0", "wait=-5", "wait=86401",
        "wait=18446744073709551617", "wait=long", "respond-async, wait=1.5", "wait=1 2; x=y",
        "wait=x, wait=5", "wait=0; wait=5"}) {
    EXPECT_EQ(patience(std::string("Prefer: ") + value + "\r\n"), -1) << value;
  }
  EXPECT_EQ(patience("Prefer: wait=x\r\nPrefer: wait=5\r\n"), -1);
  EXPECT_EQ(patience("Prefer: wait=x\r\nX-Request-Timeout-Ms: 7\r\n"), 7);
}

}  // namespace
}  // namespace hangup::http
