// The three kinds of handlers, told apart by what they take and return; and a task as a handler,
// tested without a server.
#include "hangup/http/handler.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "hangup/context/wait.h"
#include "hangup/http/httplib_handler.h"
#include "hangup/worker/loop.h"

namespace hangup::http {
namespace {

using namespace std::chrono_literals;

void native(const context&, const request&, reply&) {}
task<> by_value(context, request&, reply&) {
  co_return;
}
task<> of_a_const_request(const context&, const request&, reply&) {
  co_return;
}
using of_httplib = void (*)(const context&, const httplib::Request&, httplib::Response&);
using of_another_type = task<int> (*)(context, const request&, reply&);
using that_changes_the_request = void (*)(context, request&, reply&);

static_assert(native_callable<decltype(&native)> && !task_callable<decltype(&native)>);
static_assert(httplib_callable<of_httplib> && !native_callable<of_httplib>);
static_assert(task_callable<decltype(&by_value)> && !native_callable<decltype(&by_value)>);
static_assert(task_callable<decltype(&of_a_const_request)> &&
              !native_callable<decltype(&of_a_const_request)>);
static_assert(!task_callable<of_another_type> && !native_callable<of_another_type>);
static_assert(!native_callable<that_changes_the_request> &&
              !task_callable<that_changes_the_request>);

TEST(a_handler, knows_whether_it_is_a_task) {
  EXPECT_FALSE(handler());
  EXPECT_TRUE(handler(native));
  EXPECT_FALSE(handler(native).is_task());
  EXPECT_TRUE(handler(by_value));
  EXPECT_TRUE(handler(by_value).is_task());
  EXPECT_TRUE(handler(of_a_const_request).is_task());
}

TEST(a_handler_that_is_a_task, can_be_run_by_a_test) {
  const handler h([](context ctx, request& req, reply& res) -> task<> {
    co_await sleep_for(ctx, 1ms);
    res.body("text/plain", std::string(req.parameter("of").value_or("")));
  });
  request req("GET", "/?of=all");
  reply res(background(), req);
  run_blocking(h.begin(background(), req, res));
  EXPECT_EQ(res.body(), "all");
}

// Without a server the pieces are kept.
TEST(a_handler_that_is_a_task, can_be_asked_for_the_pieces_that_it_has_written) {
  const handler h([](context ctx, request&, reply& res) -> task<> {
    res.stream("text/csv");
    EXPECT_FALSE(co_await res.write(ctx, "one,"));
    EXPECT_FALSE(co_await res.write(ctx, "two"));
    const auto ended = with_timeout(ctx, 0s);
    const std::error_code ec = co_await res.write(ended.ctx, "three");
    EXPECT_EQ(ec, errc::deadline_exceeded);
  });
  request req("GET", "/");
  reply res(background(), req);
  run_blocking(h.begin(background(), req, res));
  EXPECT_EQ(res.body(), "one,two");
  EXPECT_TRUE(res.is_streamed());
  EXPECT_EQ(res.header("Content-Type"), "text/csv");
  EXPECT_EQ(res.header("Cache-Control"), "no-store");
}

TEST(a_handler_that_is_a_task, cannot_write_pieces_of_what_is_no_stream) {
  const handler h(
      [](context ctx, request&, reply& res) -> task<> { co_await res.write(ctx, "a piece"); });
  request req("GET", "/");
  reply res(background(), req);
  EXPECT_THROW(run_blocking(h.begin(background(), req, res)), std::logic_error);
}

}  // namespace
}  // namespace hangup::http
