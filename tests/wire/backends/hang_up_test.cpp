// Hang-ups are heard in the same way by handlers of cpp-httplib on hangup's own server, on a hosted
// and on a watched one.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "hangup/http/hosted.h"
#include "hangup/http/watched.h"
#include "tests/wire/backends/native_server.h"
#include "tests/wire/httplib_server.h"

namespace hangup::wire {
namespace {

using namespace test;
using watched_server = httplib_server<http::watched<httplib::Server>>;
using hosted_server = httplib_server<http::hosted<httplib::Server>>;

template <class Backend>
class backend : public testing::Test {
 protected:
  static std::unique_ptr<Backend> made(unsigned workers = 8) {
    if constexpr (std::is_same_v<Backend, native_server>) {
      return std::make_unique<native_server>(workers);
    } else {
      return std::make_unique<Backend>([workers](auto& s) {
        if constexpr (requires { s.server.set_hosted_options({}); }) {
          s.server.set_hosted_options({.workers = workers, .stop_grace = 0ms});
        } else {
          s.server.new_task_queue = [workers] { return new httplib::ThreadPool(workers); };
        }
      });
    }
  }
};

using backends = testing::Types<native_server, hosted_server, watched_server>;
struct names {
  template <class Backend>
  static std::string GetName(int) {
    return std::is_same_v<Backend, native_server>   ? "native"
           : std::is_same_v<Backend, hosted_server> ? "hosted"
                                                    : "watched";
  }
};
TYPED_TEST_SUITE(backend, backends, names);

// What clients have sent that nobody reads: in the segment of the request, and later.
struct sent {
  const char* what;
  std::string request;
  std::string later;
};
std::vector<sent> everything_sent() {
  return {
      {"nothing else", get("/wait"), ""},
      {"a body", post("/wait", "hello"), ""},
      {"a second request in the same segment", get("/wait") + get("/fast"), ""},
      {"a second request", get("/wait"), get("/fast")},
      {"a stray byte", get("/wait"), "x"},
      {"half of a request with a body", get("/wait"), part_of_body("/echo", 500, 5)},
      {"much", get("/wait"), std::string(300'000, 'x')},
  };
}

TYPED_TEST(backend, hears_a_fin_behind_all_that_was_sent) {
  for (const auto& s : everything_sent()) {
    SCOPED_TRACE(s.what);
    const auto server = this->made();
    client c = server->connect();
    ASSERT_TRUE(c.send(s.request));
    ASSERT_TRUE(server->at.await("/wait"));
    ASSERT_TRUE(c.send(s.later));
    c.close();
    EXPECT_TRUE(server->at.await("ended by client_closed")) << server->at.text();
    EXPECT_TRUE(server->logged.await("/wait 499")) << server->logged.text();
    EXPECT_EQ(server->at.count("/fast"), 0);
  }
}

TYPED_TEST(backend, hears_a_reset) {
  for (const auto& s : everything_sent()) {
    SCOPED_TRACE(s.what);
    const auto server = this->made();
    client c = server->connect();
    ASSERT_TRUE(c.send(s.request));
    ASSERT_TRUE(server->at.await("/wait"));
    ASSERT_TRUE(c.send(s.later));
    c.reset();
    EXPECT_TRUE(server->at.await("ended by client_reset")) << server->at.text();
    EXPECT_TRUE(server->logged.await("/wait 499")) << server->logged.text();
  }
}

TYPED_TEST(backend, stops_a_stream_and_releases_its_provider) {
  const auto server = this->made();
  client c = server->connect();
  ASSERT_TRUE(c.send(get("/events")));
  EXPECT_NE(c.receive_until("data: x\n\n"), "");
  ASSERT_TRUE(server->at.await("event"));
  c.close();
  EXPECT_TRUE(server->at.await("ended by client_closed"));
  EXPECT_TRUE(server->at.await("incomplete")) << server->at.text();
  EXPECT_EQ(server->at.count("writable"), 0);
  EXPECT_TRUE(server->logged.await("/events 499")) << server->logged.text();
}

TYPED_TEST(backend, answers_pipelined_requests_in_their_order) {
  const auto server = this->made();
  client c = server->connect();
  std::string all;
  for (int i = 0; i < 20; ++i) {
    all += i % 2 == 0 ? get("/fast") : post("/echo", std::to_string(i));
  }
  ASSERT_TRUE(c.send(all));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(c.receive().body, i % 2 == 0 ? "fast\n" : std::to_string(i));
  }
}

TYPED_TEST(backend, takes_nobody_who_leaves_after_the_last_byte_for_one_who_hung_up) {
  const auto server = this->made();
  for (int i = 0; i < 30; ++i) {
    client c = server->connect();
    ASSERT_EQ(c.ask(get("/fast")).body, "fast\n");
    c.close();
  }
  EXPECT_TRUE(server->logged.await("/fast 200", 30)) << server->logged.text();
}

TYPED_TEST(backend, ends_contexts_when_it_stops) {
  const auto server = this->made();
  client c = server->connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server->at.await("/wait"));
  server->ask_to_stop();
  EXPECT_TRUE(server->at.await("ended by shutdown")) << server->at.text();
  EXPECT_EQ(c.receive().body, "too late\n");
}

// The difference between our threads and theirs: a connection of `watched` has a thread of the
// task queue, which runs the handler, and one of `hosted` has none while it waits.
TYPED_TEST(backend, knows_at_the_start_who_has_left_in_the_queue) {
  const auto server = this->made(1);
  client first = server->connect();
  ASSERT_TRUE(first.send(get("/wait")));
  ASSERT_TRUE(server->at.await("/wait"));
  client queued = server->connect();
  ASSERT_TRUE(queued.send(get("/wait")));
  queued.close();
  if constexpr (!std::is_same_v<TypeParam, watched_server>) {
    first.close();
    client last = server->connect();
    ASSERT_TRUE(last.send(get("/fast")));
    ASSERT_TRUE(server->at.await("/fast"));
    EXPECT_EQ(server->at.count("/wait"), 1) << "never started";
  } else {
    first.close();
    EXPECT_TRUE(server->at.await("ended by client_closed", 2));
    EXPECT_EQ(server->at.count("/wait"), 2) << "started, with a context that had ended";
  }
}

}  // namespace
}  // namespace hangup::wire
