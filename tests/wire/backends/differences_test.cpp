// What differs between cpp-httplib's own server and ours: the table in docs/cpp-httplib.md.
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>

#include "hangup/http/hosted.h"
#include "hangup/http/watched.h"
#include "tests/wire/backends/native_server.h"
#include "tests/wire/httplib_server.h"

namespace hangup::wire {
namespace {

using namespace test;
using stock_server = httplib_server<httplib::Server>;
using watched_server = httplib_server<http::watched<httplib::Server>>;
using hosted_server = httplib_server<http::hosted<httplib::Server>>;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A handler that answers when the test lets it, and on our servers not before it has heard that its
// client has left.
class gate {
 public:
  explicit gate(bool hears = true) : hears_(hears) {}
  template <class Server>
  void add_to(httplib_server<Server>& s) {
    s.server.Get("/held", [this, &s](const httplib::Request& req, httplib::Response& res) {
      s.at.tell("/held");
      std::unique_lock hold(mutex_);
      opened_.wait_for(hold, patience, [this] { return open_; });
      if (const auto& ctx = http::context_of(req); hears_ && ctx != background()) {
        s.at.tell(end_of(ctx));
      }
      res.set_content("held\n", "text/plain");
    });
  }
  void open() {
    const std::lock_guard hold(mutex_);
    open_ = true;
    opened_.notify_all();
  }

 private:
  const bool hears_;
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

// What becomes of a request whose client left with a FIN while the handler ran.
template <class Server>
std::string logged_of_who_left() {
  gate held;
  Server server([&](auto& s) { held.add_to(s); });
  client c = server.connect();
  EXPECT_TRUE(c.send(get("/held") + "x"));
  EXPECT_TRUE(server.at.await("/held"));
  c.close();
  held.open();
  server.logged.await(std::is_same_v<Server, stock_server> ? "/held 200" : "/held 499");
  return server.logged.text();
}

TEST(differences, the_logger_is_told_of_who_left) {
  EXPECT_PRED2(contains, logged_of_who_left<stock_server>(), "/held 200");
  EXPECT_PRED2(contains, logged_of_who_left<watched_server>(), "/held 499");
  EXPECT_PRED2(contains, logged_of_who_left<hosted_server>(), "/held 499");
}

// What a client gets that closes its own direction while its handler runs.
template <class Server>
std::string sent_after_half_close(bool is_hang_up = true,
                                  const std::function<void(Server&)>& more = {}) {
  gate held(is_hang_up);
  Server server([&](auto& s) {
    held.add_to(s);
    if (more) {
      more(s);
    }
  });
  client c = server.connect();
  EXPECT_TRUE(c.send(get("/held", "Connection: close\r\n")));
  EXPECT_TRUE(server.at.await("/held"));
  c.shutdown_write();
  held.open();
  return c.receive_rest();
}

TEST(differences, a_half_close_is_a_hang_up_unless_it_is_to_be_ignored) {
  // Of the base, older versions send nothing, and newer ones the answer.
  EXPECT_EQ(sent_after_half_close<watched_server>(), "");
  EXPECT_PRED2(contains,
               sent_after_half_close<watched_server>(
                   false, [](auto& s) { s.server.set_half_close(http::half_close::ignore); }),
               "held\n");
  // As with hangup's own server: what the handler does answer is sent.
  EXPECT_PRED2(contains, sent_after_half_close<hosted_server>(), "held\n");
}

template <class Server>
std::pair<int, bool> answer_to_no_http() {
  Server server([](auto& s) { s.server.set_keep_alive_timeout(3600); });
  client c = server.connect();
  EXPECT_TRUE(c.send("no HTTP\r\n\r\n"));
  const int status = c.receive().status;
  return {status, c.sees_the_end()};
}

TEST(differences, a_connection_without_http_is_closed) {
  EXPECT_EQ(answer_to_no_http<watched_server>(), std::pair(400, true));
  EXPECT_EQ(answer_to_no_http<hosted_server>(), std::pair(400, true));
}

template <class Server>
void closes_idle_connections_at_once() {
  client c = [] {
    Server server([](auto& s) { s.server.set_keep_alive_timeout(3600); });
    client of = server.connect();
    EXPECT_EQ(of.ask(get("/fast")).status, 200);
    return of;
  }();  // it stops here
  EXPECT_TRUE(c.sees_the_end());
}

TEST(differences, stop_does_not_wait_for_idle_connections) {
  closes_idle_connections_at_once<watched_server>();
  closes_idle_connections_at_once<hosted_server>();
}

// A body that no handler reads, with a request in it.
template <class Server>
void takes_no_body_for_a_request() {
  Server server;
  const auto hidden = get("/wait");
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/fast", "Content-Length: " + std::to_string(hidden.size()) + "\r\n") +
                     hidden + get("/fast")));
  EXPECT_EQ(c.receive().status, 200);
  EXPECT_EQ(c.receive().status, 200);
  EXPECT_EQ(server.at.count("/wait"), 0);
}

TEST(differences, a_body_that_nobody_reads_is_no_request) {
  takes_no_body_for_a_request<watched_server>();
  takes_no_body_for_a_request<hosted_server>();
}

template <class Server>
int status_of_a_stopped_request() {
  Server server([](auto& s) {
    s.server.Get("/silent", [&s](const httplib::Request& req, httplib::Response&) {
      s.at.tell("/silent");
      end_of(http::context_of(req));
    });
    if constexpr (requires { s.server.set_hosted_options({}); }) {
      s.server.set_hosted_options({.stop_grace = 0ms});
    }
  });
  client c = server.connect();
  EXPECT_TRUE(c.send(get("/silent")));
  EXPECT_TRUE(server.at.await("/silent"));
  server.ask_to_stop();
  return c.receive().status;
}

TEST(differences, who_stops_for_the_end_of_the_server_and_does_not_answer) {
  EXPECT_EQ(status_of_a_stopped_request<watched_server>(), 200);
  EXPECT_EQ(status_of_a_stopped_request<hosted_server>(), 503);
}

}  // namespace
}  // namespace hangup::wire
