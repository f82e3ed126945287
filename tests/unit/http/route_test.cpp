// Which handler answers what.
#include "hangup/http/route.h"
#include "hangup/worker/loop.h"
#include "hangup/worker/pool.h"
#include "tests/unit/http/route_to.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace hangup::http {
namespace {

TEST(routes, are_found_by_method_and_whole_path) {
  route_table table;
  table.add(to("GET", "/a"));
  table.add(to("POST", "/a"));
  table.add(to("GET", "/a/b"));
  ASSERT_NE(table.find("GET", "/a").to, nullptr);
  EXPECT_EQ(table.find("GET", "/a").to->method, "GET");
  EXPECT_EQ(table.find("POST", "/a").to->method, "POST");
  EXPECT_EQ(table.find("GET", "/a/b").to->path, "/a/b");
  for (const char* other : {"/", "/A", "/a/", "/a/b/c", "a", "", "/a?", "none"}) {
    EXPECT_EQ(table.find("GET", other).to, nullptr) << other;
    EXPECT_EQ(table.find("GET", other).allow, "") << other;
  }
}

// What add() says of this path; empty: nothing.
std::string refusal_of(const char* path, bool literal = false) {
  route_table table;
  auto r = to("GET", path);
  r.literal = literal;
  try {
    table.add(std::move(r));
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

TEST(routes, with_a_path_for_cpp_httplib_are_refused_and_say_what_to_write) {
  for (const auto& [path, instead] : std::vector<std::pair<const char*, std::string>>{
           {"/users/:id", "write /users/{id} for"},
           {"/users/:userId/jobs", "write /users/{userId}/jobs for"},
           {R"(/users/(\d+))", "write /users/{name} for"},
           {"/files/.*", "write /files/{name} for"},
           {"/files/[a-z]+/meta", "write /files/{name}/meta for"},
           {"/a/:b/c/:d", "one segment may be free, as in /users/{id}"},
           {R"(/numbers/(\d+)/(\d+))", "one segment may be free"},
           {"/(a|b)", "write /{name} for"},
           {"/start$", "write /{name} for"},
           {"/^start", "write /{name} for"},
           {"/what?", "write /{name} for"}}) {
    const auto why = refusal_of(path);
    EXPECT_NE(why.find(instead), std::string::npos) << path << ": " << why;
    EXPECT_NE(why.find("route " + std::string(path)), std::string::npos) << why;
    EXPECT_NE(why.find("route::literal"), std::string::npos) << why;
  }
  for (const char* const path : {"/", "/a.b", "/v1.0/a-b_c~d", "/a:b", "/a,b;c=d&e'f!g@h", "/%41",
                                 "/\xc3\xa4", "/jobs/{id}"}) {
    EXPECT_EQ(refusal_of(path), "") << path;
  }
}

TEST(routes, that_are_literal_have_any_character_in_their_path) {
  for (const char* const path :
       {"/users/:id", "/files/.*", "/$metadata", "/of(1)", "/a+b", "/{x}"}) {
    EXPECT_NE(refusal_of(path) + (std::string_view(path) == "/{x}" ? "a pattern" : ""), "") << path;
    EXPECT_EQ(refusal_of(path, true), "") << path;
    route_table table;
    auto r = to("GET", path);
    r.literal = true;
    table.add(std::move(r));
    EXPECT_NE(table.find("GET", path).to, nullptr) << path;
    EXPECT_EQ(table.find("GET", "/users/7").to, nullptr);
    EXPECT_EQ(table.find("GET", "/y").to, nullptr);
  }
}

TEST(routes, of_get_answer_head) {
  route_table table;
  table.add(to("GET", "/a"));
  table.add(to("POST", "/b"));
  EXPECT_EQ(table.find("HEAD", "/a").to, table.find("GET", "/a").to);
  EXPECT_EQ(table.find("HEAD", "/b").to, nullptr);
  EXPECT_EQ(table.find("HEAD", "/b").allow, "POST, OPTIONS");
}

TEST(routes, say_which_methods_a_path_has) {
  route_table table;
  table.add(to("GET", "/a"));
  table.add(to("DELETE", "/a"));
  EXPECT_EQ(table.find("POST", "/a").allow, "GET, HEAD, DELETE, OPTIONS");
  EXPECT_EQ(table.find("GET", "/a").allow, "");
}

TEST(routes, say_which_methods_there_are_in_all) {
  route_table table;
  EXPECT_EQ(table.find("OPTIONS", "*").allow, "OPTIONS");
  table.add(to("POST", "/a"));
  table.add(to("GET", "/a"));
  table.add(to("POST", "/b"));
  EXPECT_EQ(table.find("OPTIONS", "*").to, nullptr);
  EXPECT_EQ(table.find("OPTIONS", "*").allow, "POST, GET, HEAD, OPTIONS");
}

TEST(routes, for_options_are_found_where_there_is_one) {
  route_table table;
  table.add(to("OPTIONS", "/a"));
  table.add(to("GET", "/b"));
  EXPECT_NE(table.find("OPTIONS", "/a").to, nullptr);
  EXPECT_EQ(table.find("GET", "/a").allow, "OPTIONS");
  EXPECT_EQ(table.find("OPTIONS", "/b").to, nullptr);
  EXPECT_EQ(table.find("OPTIONS", "/b").allow, "GET, HEAD, OPTIONS");
}

// A proxy that keeps /metrics to operators sees what it sees: nothing else leads there but an
// encoding of the same characters.
TEST(routes, are_not_found_by_another_way_of_writing_their_path) {
  route_table table;
  table.add(to("GET", "/requests/ended"));
  for (const char* other : {"//requests/ended", "/requests//ended", "/./requests/ended",
                            "/x/../requests/ended", "/requests/ended/", "/requests%2Fended",
                            "/requests/ended;a", "/requests\\ended", "/REQUESTS/ENDED"}) {
    EXPECT_EQ(table.find("GET", other).to, nullptr) << other;
  }
}

TEST(routes, that_a_proxy_may_keep_back_are_found_as_they_are_written_only) {
  route_table table;
  table.add({.method = "GET", .path = "/metrics", .as_written = true});
  table.add({.method = "GET", .path = "/jobs/{id}", .as_written = true});
  table.add(to("GET", "/free"));
  for (const char* path : {"/metrics", "/jobs/7"}) {
    EXPECT_NE(table.find("GET", path).to, nullptr) << path;
    EXPECT_EQ(table.find("GET", path, true).to, nullptr) << path;
    EXPECT_EQ(table.find("POST", path, true).allow, "") << "it is not there: " << path;
  }
  EXPECT_NE(table.find("GET", "/free", true).to, nullptr);
}

TEST(routes, have_an_index_in_the_order_in_which_they_were_added) {
  route_table table;
  EXPECT_EQ(table.none().index, 0U);
  EXPECT_EQ(table.none().path, "none");
  table.add(to("GET", "/a"));
  table.add(to("GET", "/b"));
  const auto all = table.all();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0], &table.none());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i]->index, i);
  }
  EXPECT_EQ(all[2]->path, "/b");
  EXPECT_EQ(table.find("GET", "/b").to, all[2]);
}

TEST(routes, that_cannot_be_are_refused_and_leave_the_table_as_it_was) {
  route_table table;
  table.add(to("GET", "/a"));
  EXPECT_THROW(table.add(to("GET", "/a")), std::invalid_argument);
  EXPECT_THROW(table.add(to("GET", "a")), std::invalid_argument);
  EXPECT_THROW(table.add(to("GET", "")), std::invalid_argument);
  for (const char* method : {"HEAD", "get", "TRACE", "CONNECT", ""}) {
    EXPECT_THROW(table.add(to(method, "/b")), std::invalid_argument) << method;
  }
  auto compressed = to("GET", "/b");
  compressed.compress = true;
  EXPECT_THROW(table.add(compressed), std::invalid_argument);  // without a pool
  auto in_pieces = to("POST", "/b");
  in_pieces.body_in_pieces = true;
  EXPECT_THROW(table.add(in_pieces), std::invalid_argument);  // without a loop
  pool workers({.name = "workers"});
  loop tasks({.name = "tasks"});
  auto on_both = to("GET", "/b");
  on_both.runs_on = &workers;
  on_both.on_loop = &tasks;
  EXPECT_THROW(table.add(on_both), std::invalid_argument);
  EXPECT_EQ(table.all().size(), 2U);
  EXPECT_EQ(table.find("GET", "/b").to, nullptr);
}

TEST(routes, stay_where_they_are_when_more_are_added) {
  route_table table;
  table.add(to("GET", "/first"));
  const auto* const first = table.find("GET", "/first").to;
  for (int i = 0; i < 1000; ++i) {
    table.add(to("GET", "/" + std::to_string(i)));
  }
  EXPECT_EQ(table.find("GET", "/first").to, first);
}

}  // namespace
}  // namespace hangup::http
