// What only newer versions of cpp-httplib have, with both of our servers. With a version that lacks
// it there is nothing to test: .ci/nightly has the versions.
#include <gtest/gtest.h>

#include <string>

#include "tests/wire/backends/both.h"

namespace hangup::wire {
namespace {

using namespace test;
using httplib::Request;
using httplib::Response;

template <class Server>
class newer_of : public of_both<Server> {};
TYPED_TEST_SUITE(newer_of, both_servers, names_of_both);

template <class Server>
bool trusts_proxies(Server& s) {
  if constexpr (requires { s.set_trusted_proxies({"127.0.0.1"}); }) {
    s.set_trusted_proxies({"127.0.0.1"});
    return true;
  }
  return false;
}

TYPED_TEST(newer_of, a_trusted_proxy_says_who_the_client_is) {
  bool trusts = false;
  typename TestFixture::under_test server([&trusts](auto& s) {
    trusts = trusts_proxies(s.server);
    s.server.Get("/who", [](const Request& req, Response& res) {
      res.set_content(req.remote_addr, "text/plain");
    });
  });
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/who", "X-Forwarded-For: 192.0.2.7\r\n")).body,
            trusts ? "192.0.2.7" : "127.0.0.1");
  EXPECT_EQ(c.ask(get("/who")).body, "127.0.0.1");
}

template <class Server>
bool asks_before_handlers(httplib_server<Server>& s) {
  if constexpr (requires { s.server.set_pre_request_handler(nullptr); }) {
    s.server.set_pre_request_handler([&s](const auto& req, Response& res) {
      s.at.tell("asked for " + std::string(req.matched_route));
      if (http::context_of(req) == background() || req.has_header("X-Refuse")) {
        res.status = 403;
        return httplib::Server::HandlerResponse::Handled;
      }
      return httplib::Server::HandlerResponse::Unhandled;
    });
    return true;
  }
  return false;
}

TYPED_TEST(newer_of, a_pre_request_handler_has_the_context_and_may_refuse) {
  bool asks = false;
  typename TestFixture::under_test server([&asks](auto& s) { asks = asks_before_handlers(s); });
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
  EXPECT_EQ(c.ask(get("/fast", "X-Refuse: yes\r\n")).status, asks ? 403 : 200);
  EXPECT_EQ(server.at.count("asked for /fast"), asks ? 2 : 0) << server.at.text();
}

template <class Server>
bool writes_headers(httplib_server<Server>& s) {
  if constexpr (requires { s.server.set_header_writer(nullptr); }) {
    s.server.set_header_writer([](httplib::Stream& to, httplib::Headers& all) {
      std::string lines = "X-Writer: own\r\n";
      for (const auto& [name, value] : all) {
        lines += name + ": " + value + "\r\n";
      }
      return to.write(lines + "\r\n");
    });
    return true;
  }
  return false;
}

TYPED_TEST(newer_of, a_header_writer_of_ones_own_is_used) {
  bool writes = false;
  typename TestFixture::under_test server([&writes](auto& s) { writes = writes_headers(s); });
  client c = server.connect();
  for (int i = 0; i < 2; ++i) {
    const auto a = c.ask(get("/fast"));
    EXPECT_EQ(a.body, "fast\n");
    EXPECT_EQ(a.header("x-writer"), writes ? "own" : "");
  }
}

template <class Server>
bool logs_more(httplib_server<Server>& s) {
  if constexpr (requires { s.server.set_pre_compression_logger(nullptr); }) {
    s.server.set_pre_compression_logger([&s](const Request& req, const Response& res) {
      s.at.tell("before compression " + req.path + " " + std::to_string(res.body.size()));
    });
    s.server.set_error_logger([&s](const auto&, const Request*) { s.at.tell("error"); });
    return true;
  }
  return false;
}

TYPED_TEST(newer_of, the_other_loggers_are_called) {
  bool logs = false;
  typename TestFixture::under_test server([&logs](auto& s) {
    logs = logs_more(s);
    s.server.Get("/large", [](const Request&, Response& res) {
      res.set_content(std::string(5000, 'l'), "text/plain");
    });
  });
  EXPECT_EQ(server.connect().ask(get("/large", "Accept-Encoding: gzip\r\n")).status, 200);
  server.stop();
#ifdef CPPHTTPLIB_ZLIB_SUPPORT
  EXPECT_EQ(server.at.count("before compression /large 5000"), logs ? 1 : 0) << server.at.text();
#endif
  EXPECT_EQ(server.logged.text(), "/large 200; ");
}

}  // namespace
}  // namespace hangup::wire
