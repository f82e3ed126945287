// traceparent and tracestate, as https://www.w3.org/TR/trace-context/ has them.
#include <gtest/gtest.h>

#include <set>

#include "hangup/http/trace.h"
#include "http/wire/head.h"

namespace hangup::http {
namespace {

const std::string id = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string span = "00f067aa0ba902b7";

TEST(trace, that_a_request_brings_goes_on_as_a_new_span) {
  const auto t = trace::continued("00-" + id + "-" + span + "-01", "rojo=1,congo=t61");
  EXPECT_EQ(t.trace_id(), id);
  EXPECT_EQ(t.parent_id(), span);
  EXPECT_NE(t.span_id(), span);
  EXPECT_TRUE(t.sampled());
  EXPECT_EQ(t.state(), "rojo=1,congo=t61");
  EXPECT_EQ(t.header(), "00-" + id + "-" + std::string(t.span_id()) + "-01");
  const auto next = trace::continued(t.header(), t.state());
  EXPECT_EQ(next.trace_id(), id);
  EXPECT_EQ(next.parent_id(), t.span_id());
}

TEST(trace, begins_where_none_is_brought) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto t = trace::continued("", "a=b");
    EXPECT_EQ(t.parent_id(), "");
    EXPECT_EQ(t.state(), "") << "a state belongs to a trace";
    EXPECT_FALSE(t.sampled());
    EXPECT_EQ(t.trace_id().find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_EQ(t.trace_id().size(), 32U);
    EXPECT_EQ(t.span_id().size(), 16U);
    seen.emplace(t.trace_id());
    seen.emplace(t.span_id());
    EXPECT_EQ(trace::continued(t.header(), "").trace_id(), t.trace_id());
  }
  EXPECT_EQ(seen.size(), 200U);
}

TEST(trace, that_is_malformed_is_none) {
  const std::string good = "00-" + id + "-" + span + "-01";
  std::vector<std::string> bad = {
      good + "-",
      good + "0",
      good.substr(0, 54),
      " " + good,
      "ff" + good.substr(2),
      "0x" + good.substr(2),
      "00-" + std::string(32, '0') + "-" + span + "-01",
      "00-" + id + "-" + std::string(16, '0') + "-01",
      "00-" + id + "-" + span + "-0G",
      "00_" + id + "-" + span + "-01",
      "00-" + id + "_" + span + "-01",
      "00-" + id + "-" + span + "_01",
      "00-" + std::string("4BF92F3577B34DA6A3CE929D0E0E4736") + "-" + span + "-01",
      "01" + good.substr(2) + "x",
  };
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto broken = good;
    broken[i] = 'z';
    bad.push_back(broken);
  }
  for (const auto& text : bad) {
    const auto t = trace::continued(text, "a=b");
    EXPECT_NE(t.trace_id(), id) << text;
    EXPECT_EQ(t.parent_id(), "") << text;
    EXPECT_EQ(t.state(), "") << text;
  }
}

TEST(trace, of_a_later_version_is_read_as_the_first_and_unknown_flags_end_here) {
  for (const auto* tail : {"", "-", "-what-the-future-brings"}) {
    const auto t = trace::continued("cc-" + id + "-" + span + "-09" + tail, "");
    EXPECT_EQ(t.trace_id(), id) << tail;
    EXPECT_EQ(t.header().substr(0, 3), "00-");
    EXPECT_EQ(t.header().substr(52), "-01");
  }
  EXPECT_EQ(trace::continued("00-" + id + "-" + span + "-fe", "").header().substr(52), "-00");
}

TEST(trace, keeps_a_state_that_is_not_too_long_and_nothing_else) {
  const std::string parent = "00-" + id + "-" + span + "-00";
  EXPECT_EQ(trace::continued(parent, std::string(512, 'a')).state().size(), 512U);
  EXPECT_EQ(trace::continued(parent, std::string(513, 'a')).state(), "");
  EXPECT_EQ(trace::continued(parent, "a=b\r\nX: y").state(), "");
}

TEST(trace, is_read_from_a_head_that_says_it_once) {
  const auto read = [](const std::string& headers) {
    static std::string bytes;
    bytes = "GET / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
    request_head head;
    refusal why;
    EXPECT_EQ(read_head(bytes, {}, head, why), head_is::whole);
    return head;
  };
  EXPECT_EQ(read("").traceparent, "");
  EXPECT_EQ(read("TraceParent: x\r\n").traceparent, "x");
  EXPECT_EQ(read("traceparent: x\r\ntraceparent: x\r\n").traceparent, "") << "which one?";
  EXPECT_EQ(read("tracestate: a=1\r\nTracestate: b=2,c=3\r\n").tracestate, "a=1,b=2,c=3");
}

}  // namespace
}  // namespace hangup::http
