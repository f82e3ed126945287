// The time-outs and limits of a connection that are set on a server of cpp-httplib, with both of
// ours.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/wire/backends/both.h"

namespace hangup::wire {
namespace {

using namespace test;
using httplib::DataSink;
using httplib::Request;
using httplib::Response;

template <class Server>
class patience_of : public of_both<Server> {};
TYPED_TEST_SUITE(patience_of, both_servers, names_of_both);

TYPED_TEST(patience_of, a_connection_ends_after_so_many_requests) {
  typename TestFixture::under_test server([](auto& s) { s.server.set_keep_alive_max_count(2); });
  client c = server.connect();
  EXPECT_NE(c.ask(get("/fast")).header("connection"), "close");
  EXPECT_EQ(c.ask(get("/fast")).header("connection"), "close");
  EXPECT_TRUE(c.sees_the_end());
  EXPECT_EQ(c.how_it_ended(), ending::fin);
}

TYPED_TEST(patience_of, an_idle_connection_is_closed) {
  typename TestFixture::under_test server([](auto& s) { s.server.set_keep_alive_timeout(1); });
  client c = server.connect();
  ASSERT_EQ(c.ask(get("/fast")).status, 200);
  EXPECT_TRUE(c.sees_the_end());
}

TYPED_TEST(patience_of, a_body_that_stops_is_given_up) {
  typename TestFixture::under_test server([](auto& s) {
    s.server.set_read_timeout(1);
    s.server.Post("/reader",
                  [&s](const Request&, Response& res, const httplib::ContentReader& read) {
                    const bool whole = read([](const char*, std::size_t) { return true; });
                    s.at.tell(whole ? "whole" : "cut");
                    res.status = whole ? 200 : 400;
                  });
  });
  client small = server.connect();
  ASSERT_TRUE(small.send(part_of_body("/echo", 100, 10)));
  const auto a = small.receive();
  EXPECT_TRUE(a.status == 400 || a.status == 408) << a.status;
  client large = server.connect();
  ASSERT_TRUE(large.send(part_of_body("/reader", 1'000'000, 100'000)));
  EXPECT_TRUE(server.at.await("cut")) << server.at.text();
  large.receive_rest();
  EXPECT_NE(large.how_it_ended(), ending::none);
}

TYPED_TEST(patience_of, a_client_that_does_not_read_is_given_up) {
  typename TestFixture::under_test server([](auto& s) {
    s.server.set_write_timeout(0, 200'000);
    s.server.Get("/large", [&s](const Request& req, Response& res) {
      res.set_chunked_content_provider(
          "text/plain",
          [](std::size_t, DataSink& sink) {
            static const std::string piece(1U << 20, 'x');
            return sink.write(piece.data(), piece.size());
          },
          [&s, ctx = http::context_of(req)](bool) { s.at.tell(end_of(ctx)); });
    });
  });
  client c(server.port, 4096);
  ASSERT_TRUE(c.send(get("/large")));
  EXPECT_TRUE(server.at.await("write_timeout")) << server.at.text();
  EXPECT_TRUE(server.logged.await("/large 499")) << server.logged.text();
}

}  // namespace
}  // namespace hangup::wire
