// What the pages for operators list, in flight and ended.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "tests/system/operators.h"

namespace hangup::system_test {
namespace {

TEST_F(operators, see_a_hang_up_after_thousands_of_probes) {
  const server s(flags({}, config({{"requests", {{"completed", 100}, {"not_completed", 100}}}})));
  {
    client leaves(s.port());
    ASSERT_TRUE(leaves.send(asking("GET", sim, "X-Request-Id: gone\r\n")));
    running(s.port(), "/query/sim", 1);
  }
  ASSERT_TRUE(s.ended("gone").is_object());
  client probe(s.port());
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(probe.ask(asking("GET", "/healthz")).status, 200);
  }
  const auto page = s.get("/requests/ended?since=1h&route=/query/sim");
  ASSERT_EQ(page["ended"].size(), 1U) << page;
  EXPECT_EQ(page["ended"][0]["id"], "gone");
  EXPECT_LE(s.get("/requests/ended?limit=1000")["ended"].size(), 200U);
}

TEST_F(operators, see_a_hang_up_after_hundreds_of_requests_that_were_refused) {
  const server s(flags({}, config({{"requests", {{"completed", 100}, {"not_completed", 100}}}})));
  {
    client leaves(s.port());
    ASSERT_TRUE(leaves.send(asking("GET", sim, "X-Request-Id: gone\r\n")));
    running(s.port(), "/query/sim", 1);
  }
  ASSERT_TRUE(s.ended("gone").is_object());
  client scans(s.port());
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(scans.ask(asking("GET", "/admin.php")).status, 404);
  }
  const auto left = s.get("/requests/ended?route=/query/sim")["ended"];
  ASSERT_EQ(left.size(), 1U) << left;
  EXPECT_EQ(left[0]["id"], "gone");
  EXPECT_EQ(s.get("/requests/ended?end=bad_request&limit=1000")["ended"].size(), 100U);
}

TEST_F(operators, go_through_all_pages_by_the_link_to_the_next_one) {
  const server s(flags({}, config()));
  client c(s.port());
  for (int i = 0; i < 7; ++i) {
    c.ask(asking("GET", "/nothing", "X-Request-Id: n" + std::to_string(i) + "\r\n"));
  }
  std::string seen;
  std::string target = "/requests/ended?limit=3&end=bad_request&since=1h";
  int pages = 0;
  for (; !target.empty() && pages < 10; ++pages) {
    const auto a = c.ask(asking("GET", target));
    ASSERT_EQ(a.status, 200) << target;
    const auto page = body_of(a);
    for (const auto& e : page["ended"]) {
      seen += e["id"].get<std::string>() + " ";
    }
    const auto link = a.header("link");
    const auto end = link.find(">; rel=\"next\"");
    target = end == std::string::npos ? "" : link.substr(1, end - 1);
  }
  EXPECT_EQ(seen, "n6 n5 n4 n3 n2 n1 n0 ");
  EXPECT_EQ(pages, 3);

  std::vector<std::unique_ptr<client>> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(std::make_unique<client>(s.port()));
    ASSERT_TRUE(all.back()->send(asking("GET", sim)));
  }
  running(s.port(), "/query/sim", 5);
  std::vector<std::uint64_t> numbers;
  target = "/requests?route=/query/sim&limit=2";
  for (pages = 0; !target.empty() && pages < 10; ++pages) {
    const auto a = c.ask(asking("GET", target));
    const auto page = body_of(a);
    for (const auto& v : page["in_flight"]) {
      numbers.push_back(v["number"]);
    }
    const auto link = a.header("link");
    const auto end = link.find(">; rel=\"next\"");
    target = end == std::string::npos ? "" : link.substr(1, end - 1);
  }
  EXPECT_EQ(numbers.size(), 5U);
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  EXPECT_EQ(pages, 3);
}

TEST_F(operators, get_csv_that_no_spreadsheet_takes_for_formulas) {
  const server s(flags({}, config()));
  client c(s.port());
  c.ask(asking("GET", "/nothing?a,\"b\"", "X-Request-Id: =1+1\r\n"));
  const auto a = c.ask(asking("GET", "/requests/ended?end=bad_request", "Accept: text/csv\r\n"));
  EXPECT_TRUE(a.header("content-type").starts_with("text/csv")) << a.header("content-type");
  EXPECT_TRUE(a.body.starts_with("number,id,route,method,target,client,end,")) << a.body;
  EXPECT_EQ(a.body.find(",=1+1"), std::string::npos) << a.body;
  const auto now = c.ask(asking("GET", "/requests", "Accept: text/csv\r\n"));
  for (const auto& one : {a, now}) {
    EXPECT_EQ(one.header("vary"), "Accept");
  }
  EXPECT_TRUE(now.body.starts_with("number,id,route,")) << now.body;
  EXPECT_NE(now.body.find(",/requests,GET,/requests,running,"), std::string::npos) << now.body;
}

}  // namespace
}  // namespace hangup::system_test
