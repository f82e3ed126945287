// hangup::http::watched: a server of cpp-httplib that stays what it is, and whose handlers hear
// their client leave.
#include "hangup/http/watched.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hangup/http/causes.h"
#include "tests/support/client.h"
#include "tests/support/needs.h"
#include "tests/support/resources.h"
#include "tests/wire/httplib_server.h"

namespace hangup::wire {
namespace {

using namespace test;
using http::context_of;
using httplib::Request;
using httplib::Response;
using server_under_test = httplib_server<http::watched<httplib::Server>>;

const std::string unread(40'000, 'u');

struct sent {
  const char* what;
  std::string request;
  std::string later;
};

std::vector<sent> everything_sent() {
  return {
      {"a GET", get("/wait"), ""},
      {"a body that was read", post("/wait", "hello"), ""},
      {"a chunked body that was read",
       "POST /wait HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
       "5\r\nhello\r\n0\r\n\r\n",
       ""},
      {"a second request in the same segment", get("/wait") + get("/fast"), ""},
      {"a second request later", get("/wait"), get("/fast")},
      {"one stray byte later", get("/wait"), "x"},
      {"half of a second request", get("/wait"), "GET /fast HTT"},
      {"more than the engine reads at once", get("/wait"), unread},
      {"HTTP/1.0", "GET /wait HTTP/1.0\r\n\r\n", ""},
      {"Connection: close", get("/wait", "Connection: close\r\n"), ""},
      {"HEAD", "HEAD /wait HTTP/1.1\r\nHost: test\r\n\r\n", ""},
  };
}

class watched_hang_up_after : public testing::TestWithParam<std::size_t> {
 protected:
  void left(const std::function<void(client&)>& leave, const std::string& cause) {
    const auto s = everything_sent().at(GetParam());
    SCOPED_TRACE(s.what);
    client c = server_.connect();
    ASSERT_TRUE(c.send(s.request));
    ASSERT_TRUE(server_.at.await("/wait"));
    ASSERT_TRUE(c.send(s.later));
    leave(c);
    EXPECT_TRUE(server_.at.await("ended by " + cause)) << server_.at.text();
    EXPECT_TRUE(server_.logged.await("/wait 499")) << server_.logged.text();
    server_.stop();
    EXPECT_EQ(server_.at.count("/fast"), 0) << "what stood behind it has no reader";
  }
  server_under_test server_;
};

TEST_P(watched_hang_up_after, a_fin_ends_the_context) {
  left([](client& c) { c.close(); }, "client_closed");
}
TEST_P(watched_hang_up_after, a_reset_ends_the_context) {
  left([](client& c) { c.reset(); }, "client_reset");
}
TEST_P(watched_hang_up_after, a_half_close_ends_the_context_and_nothing_is_sent) {
  left(
      [](client& c) {
        c.shutdown_write();
        EXPECT_TRUE(c.sees_the_end());
      },
      "client_closed");
}

INSTANTIATE_TEST_SUITE_P(sent, watched_hang_up_after,
                         testing::Range(std::size_t{0}, everything_sent().size()));

TEST(watched, answers_as_before_and_has_a_context_that_lives) {
  server_under_test server([](auto& s) {
    s.server.Get("/alive", [](const Request& req, Response& res) {
      res.set_content(context_of(req).done() ? "over\n" : "alive\n", "text/plain");
    });
  });
  client c = server.connect();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(c.ask(get("/alive")).body, "alive\n");
    EXPECT_EQ(c.ask(post("/echo", "hello")).body, "hello");
  }
  EXPECT_EQ(c.ask(get("/none")).status, 404);
  EXPECT_TRUE(server.logged.await("/alive 200", 20));
  EXPECT_EQ(server.logged.count("/alive 499"), 0);
}

TEST(watched, the_context_ends_when_the_handler_has_returned) {
  std::optional<context> kept;
  server_under_test server([&](auto& s) {
    s.server.Get("/keep", [&](const Request& req, Response& res) {
      kept = context_of(req);
      res.set_content("kept\n", "text/plain");
    });
  });
  client c = server.connect();
  ASSERT_EQ(c.ask(get("/keep")).status, 200);
  ASSERT_EQ(c.ask(get("/fast")).status, 200);
  ASSERT_TRUE(kept && kept->done());
  EXPECT_EQ(kept->cause()->kind, cause_kind::handler_returned);
}

TEST(watched, a_hang_up_ends_the_one_request_and_no_other) {
  server_under_test server;
  client stays = server.connect();
  client leaves = server.connect();
  ASSERT_TRUE(stays.send(get("/wait")));
  ASSERT_TRUE(leaves.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait", 2));
  leaves.close();
  ASSERT_TRUE(server.at.await("ended by client_closed"));
  EXPECT_EQ(server.at.count("ended by client_closed"), 1);
  stays.close();
  EXPECT_TRUE(server.at.await("ended by client_closed", 2));
}

TEST(watched, all_of_cpp_httplibs_handlers_have_the_context) {
  server_under_test server([](auto& s) {
    const auto note = [&s](const char* where, const Request& req) {
      const auto& ctx = context_of(req);
      s.at.tell(std::string(where) + (ctx == background() ? " none" : " has it"));
    };
    s.server.set_pre_routing_handler([note](const Request& req, Response&) {
      note("pre-routing", req);
      return httplib::Server::HandlerResponse::Unhandled;
    });
    s.server.set_post_routing_handler(
        [note](const Request& req, Response&) { note("post-routing", req); });
    s.server.set_error_handler([note](const Request& req, Response&) { note("error", req); });
    s.server.set_expect_100_continue_handler([note](const Request& req, Response&) {
      note("100-continue", req);
      return 100;
    });
    s.server.set_exception_handler([note](const Request& req, Response& res, auto&&) {
      note("exception", req);
      res.status = 500;
    });
    s.server.Get("/throws", [](const Request&, Response&) { throw std::runtime_error("no"); });
    s.server.Post("/reader",
                  [note](const Request& req, Response& res, const httplib::ContentReader& reader) {
                    std::string all;
                    reader([&](const char* piece, std::size_t size) {
                      note("content reader", req);
                      all.append(piece, size);
                      return true;
                    });
                    res.set_content(all, "text/plain");
                  });
    s.server.Get("/provider", [note](const Request& req, Response& res) {
      const Request copy = req;
      res.set_chunked_content_provider("text/plain",
                                       [note, copy](std::size_t, httplib::DataSink& sink) {
                                         note("provider", copy);
                                         sink.write("piece", 5);
                                         sink.done();
                                         return true;
                                       });
    });
    s.server.set_logger([note](const Request& req, const Response&) { note("logger", req); });
  });
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/provider")).body, "piece");
  EXPECT_EQ(c.ask(post("/reader", "text")).body, "text");
  ASSERT_TRUE(c.send(post("/reader", "text", "Expect: 100-continue\r\n")));
  server.connect().ask(get("/none"));
  server.connect().ask(get("/throws"));
  for (const char* where : {"pre-routing", "post-routing", "error", "100-continue", "exception",
                            "content reader", "provider", "logger"}) {
    EXPECT_TRUE(server.at.await(std::string(where) + " has it")) << server.at.text();
    EXPECT_EQ(server.at.count(std::string(where) + " none"), 0) << where;
  }
}

TEST(watched, a_request_of_no_such_server_has_the_context_that_never_ends) {
  EXPECT_EQ(context_of(Request()), background());
  httplib_server<httplib::Server> stock([](auto& s) {
    s.server.Get("/which", [](const Request& req, Response& res) {
      res.set_content(context_of(req) == background() ? "none" : "one", "text/plain");
    });
  });
  EXPECT_EQ(stock.connect().ask(get("/which")).body, "none");
}

TEST(watched, pipelined_requests_are_all_answered) {
  server_under_test server;
  client c = server.connect();
  std::string all;
  for (int i = 0; i < 30; ++i) {
    all += i % 2 == 0 ? get("/fast") : post("/echo", std::to_string(i));
  }
  ASSERT_TRUE(c.send(all));
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(c.receive().body, i % 2 == 0 ? "fast\n" : std::to_string(i));
  }
}

TEST(watched, what_a_client_sends_while_a_handler_runs_is_the_next_request) {
  std::atomic<bool> go{false};
  server_under_test server([&](auto& s) {
    s.server.Get("/held", [&](const Request& req, Response& res) {
      s.at.tell("/held");
      while (!go && !sleep_for(context_of(req), 1ms).get()) {
      }
      res.set_content("held\n", "text/plain");
    });
  });
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/held")));
  ASSERT_TRUE(server.at.await("/held"));
  ASSERT_TRUE(c.send(post("/echo", unread)));  // more than is read at once
  ASSERT_TRUE(c.send(get("/fast")));
  go = true;
  EXPECT_EQ(c.receive().body, "held\n");
  EXPECT_EQ(c.receive().body, unread);
  EXPECT_EQ(c.receive().body, "fast\n");
}

TEST(watched, a_fin_behind_more_than_the_window_takes_is_heard) {
  server_under_test server([](auto& s) { s.server.set_read_ahead(64U << 20); });
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  ASSERT_TRUE(c.send(std::string(16U << 20, 'x')));
  c.close();
  EXPECT_TRUE(server.at.await("ended by client_closed"));
}

TEST(watched, what_is_read_ahead_is_bounded) {
  server_under_test server([](auto& s) { s.server.set_read_ahead(100'000); });
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  EXPECT_GT(c.flood(std::string(64U << 20, 'x')), 100'000U);
  c.reset();
  EXPECT_TRUE(server.at.await("ended by client_reset"));
}

TEST(watched, half_closes_can_be_ignored) {
  std::atomic<bool> go{false};
  server_under_test server([&](auto& s) {
    s.server.set_half_close(http::half_close::ignore);
    s.server.Get("/held", [&](const Request& req, Response& res) {
      s.at.tell("/held");
      while (!go && !sleep_for(context_of(req), 1ms).get()) {
      }
      res.set_content(context_of(req).done() ? "ended\n" : "held\n", "text/plain");
    });
  });
  client half = server.connect();
  ASSERT_TRUE(half.send(get("/held")));
  ASSERT_TRUE(server.at.await("/held"));
  half.shutdown_write();
  client gone = server.connect();
  ASSERT_TRUE(gone.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  gone.reset();
  EXPECT_TRUE(server.at.await("ended by client_reset"));
  go = true;
  EXPECT_EQ(half.receive().body, "held\n");
}

TEST(watched, a_client_that_left_in_the_queue_finds_its_handler_with_a_context_that_has_ended) {
  server_under_test server([](auto& s) {
    s.server.new_task_queue = [] { return new httplib::ThreadPool(1); };
    s.server.Get("/is_over", [&s](const Request& req, Response&) {
      s.at.tell(context_of(req).done() ? "over" : "alive");
    });
  });
  client first = server.connect();
  ASSERT_TRUE(first.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  client queued = server.connect();
  ASSERT_TRUE(queued.send(get("/is_over")));
  queued.close();
  first.close();
  EXPECT_TRUE(server.at.await("over")) << server.at.text();
  EXPECT_TRUE(server.logged.await("/is_over 499"));
}

TEST(watched, stop_ends_contexts_also_through_the_base) {
  server_under_test server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  server.ask_to_stop();
  EXPECT_TRUE(server.at.await("ended by shutdown"));
  EXPECT_EQ(c.receive().body, "too late\n") << "who is there still gets the answer";
  EXPECT_TRUE(server.logged.await("/wait 200"));
}

TEST(watched, stop_does_not_wait_for_idle_connections) {
  std::optional<server_under_test> server(std::in_place);
  server->server.set_keep_alive_timeout(3600);
  std::vector<client> idle;
  for (int i = 0; i < 4; ++i) {
    idle.push_back(server->connect());
    ASSERT_EQ(idle.back().ask(get("/fast")).status, 200);
  }
  server.reset();
  for (auto& c : idle) {
    EXPECT_TRUE(c.sees_the_end());
    EXPECT_EQ(c.how_it_ended(), ending::fin);
  }
}

TEST(watched, a_second_listen_after_stop_works) {
  http::watched<httplib::Server> server;
  told at;
  server.Get("/wait", [&](const Request& req, Response&) {
    at.tell("/wait");
    at.tell(end_of(context_of(req)));
  });
  for (int i = 1; i <= 3; ++i) {
    const int port = server.bind_to_any_port("127.0.0.1");
    ASSERT_GT(port, 0);
    std::thread listens([&] { server.listen_after_bind(); });
    ASSERT_TRUE(eventually([&] { return server.is_running(); }));
    client stays(static_cast<std::uint16_t>(port));
    client leaves(static_cast<std::uint16_t>(port));
    ASSERT_TRUE(leaves.send(get("/wait")));
    ASSERT_TRUE(at.await("/wait", 2 * i - 1));
    leaves.close();
    EXPECT_TRUE(at.await("client_closed", i));
    ASSERT_TRUE(stays.send(get("/wait")));
    ASSERT_TRUE(at.await("/wait", 2 * i));
    server.stop();
    EXPECT_TRUE(at.await("shutdown", i)) << at.text();
    listens.join();
  }
}

TEST(watched, the_body_that_a_handler_has_not_read_is_no_request) {
  server_under_test server;
  const auto hidden = get("/none");
  const auto length = "Content-Length: " + std::to_string(hidden.size()) + "\r\n";
  for (const auto& request :
       {get("/fast", length) + hidden,
        get("/fast", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n",
        post("/none", "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")}) {
    client c = server.connect();
    ASSERT_TRUE(c.send(request + get("/fast")));
    const int first = c.receive().status;
    EXPECT_TRUE(first == 200 || first == 404) << first;
    const auto second = c.receive();
    EXPECT_TRUE(second.status == 200 || second.status == 0) << second.status;  // 0: it is closed
  }
  EXPECT_EQ(server.at.count("/wait"), 0);
  EXPECT_EQ(server.logged.count("/none 200"), 0);
}

TEST(watched, the_rest_of_a_body_is_not_waited_for_when_the_answer_is_there) {
  server_under_test server([](auto& s) {
    s.server.set_read_timeout(3600);
    s.server.set_pre_routing_handler([](const Request& req, Response& res) {
      if (!req.has_header("Authorization")) {
        res.status = 401;
        return httplib::Server::HandlerResponse::Handled;
      }
      return httplib::Server::HandlerResponse::Unhandled;
    });
  });
  client c = server.connect();
  ASSERT_TRUE(c.send(part_of_body("/echo", 1000, 10)));
  EXPECT_EQ(c.receive().status, 401);
  EXPECT_TRUE(c.sees_the_end());
}

TEST(watched, a_stream_stops_when_its_client_leaves_and_is_logged_as_cut) {
  server_under_test server;
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/events")));
  EXPECT_EQ(c.receive_until("data: x\n\n").empty(), false);
  ASSERT_TRUE(server.at.await("event"));
  ASSERT_TRUE(c.send("stray"));
  c.close();
  EXPECT_TRUE(server.at.await("ended by client_closed"));
  EXPECT_TRUE(server.at.await("incomplete"));
  EXPECT_EQ(server.at.count("writable"), 0);
  EXPECT_TRUE(server.logged.await("/events 499")) << server.logged.text();
}

TEST(watched, a_stream_that_ended_well_is_logged_once_with_its_status) {
  server_under_test server([](auto& s) {
    s.server.Get("/two", [](const Request&, Response& res) {
      res.set_content_provider(8, "text/plain",
                               [](std::size_t at, std::size_t, httplib::DataSink& sink) {
                                 return sink.write(at == 0 ? "one " : "two ", 4);
                               });
    });
  });
  client c = server.connect();
  EXPECT_EQ(c.ask(get("/two")).body, "one two ");
  EXPECT_TRUE(server.logged.await("/two 200"));
  c.close();
  server.stop();
  EXPECT_EQ(server.logged.text(), "/two 200; ");
}

TEST(watched, who_leaves_after_the_last_byte_has_not_hung_up) {
  server_under_test server;
  for (int i = 0; i < 50; ++i) {
    client c = server.connect();
    ASSERT_EQ(c.ask(get("/fast")).body, "fast\n");
    c.close();
  }
  EXPECT_TRUE(server.logged.await("/fast 200", 50)) << server.logged.text();
}

TEST(watched, a_client_that_does_not_read_ends_with_the_write_timeout) {
  server_under_test server([](auto& s) {
    s.server.set_write_timeout(0, 200'000);
    s.server.Get("/large", [&s](const Request& req, Response& res) {
      res.set_chunked_content_provider(
          "text/plain",
          [](std::size_t, httplib::DataSink& sink) {
            static const std::string piece(1U << 20, 'x');
            return sink.write(piece.data(), piece.size());
          },
          [&s, ctx = context_of(req)](bool) { s.at.tell(end_of(ctx)); });
    });
  });
  client c(server.port, 4096);
  ASSERT_TRUE(c.send(get("/large")));
  EXPECT_TRUE(server.at.await("write_timeout")) << server.at.text();
  EXPECT_TRUE(server.logged.await("/large 499"));
}

TEST(watched, the_answer_is_whole_for_who_reads_slowly) {
  const std::string large(6U << 20, 'l');
  server_under_test server([&](auto& s) {
    s.server.Get("/large",
                 [&](const Request&, Response& res) { res.set_content(large, "text/plain"); });
  });
  client c(server.port, 4096);
  ASSERT_TRUE(c.send(get("/large")));
  EXPECT_EQ(c.receive().body.size(), large.size());
}

// The calls that programs poll which know no contexts.
template <class Request>
void polls(httplib_server<http::watched<httplib::Server>>& s, const Request& req) {
  if constexpr (requires { req.is_connection_closed(); }) {
    s.at.tell(req.is_connection_closed() ? "closed from the start" : "polls");
    s.at.tell(eventually([&] { return req.is_connection_closed(); }) ? "closed" : "never closed");
  } else {
    s.at.tell("polls");
    s.at.tell(end_of(context_of(req)) == "client_closed" ? "closed" : "never closed");
  }
}

TEST(watched, is_connection_closed_is_right_behind_stray_bytes) {
  server_under_test server([](auto& s) {
    s.server.Get("/polls", [&s](const Request& req, Response&) { polls(s, req); });
  });
  for (int i = 1; i <= 2; ++i) {
    client c = server.connect();
    ASSERT_EQ(c.ask(get("/fast")).status, 200);  // the second request of its connection
    ASSERT_TRUE(c.send(get("/polls") + get("/fast") + "x"));
    ASSERT_TRUE(server.at.await("polls", i)) << server.at.text();
    c.close();
    EXPECT_TRUE(server.at.await("closed", i)) << server.at.text();
  }
}

TEST(watched, a_class_derived_from_the_server_keeps_its_constructors_and_its_task_queue) {
  struct own : httplib::Server {
    explicit own(std::atomic<int>& count) {
      new_task_queue = [&count] {
        ++count;
        return new httplib::ThreadPool(2);
      };
    }
  };
  std::atomic<int> queues{0};
  http::watched<own> server(queues);
  server.Get("/fast", [](const Request&, Response& res) { res.set_content("own", "text/plain"); });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread listens([&] { server.listen_after_bind(); });
  EXPECT_EQ(client(static_cast<std::uint16_t>(port)).ask(get("/fast")).body, "own");
  server.stop();
  listens.join();
  EXPECT_EQ(queues, 1);
}

TEST(watched, hang_ups_on_a_unix_socket_are_heard) {
  http::watched<httplib::Server> server;
  told at;
  server.Get("/wait", [&](const Request& req, Response&) {
    at.tell("/wait");
    at.tell(end_of(context_of(req)));
  });
  const std::string path = testing::TempDir() + "watched-" + std::to_string(::getpid()) + ".sock";
  ::unlink(path.c_str());
  server.set_address_family(AF_UNIX);
  std::thread listens([&] { server.listen(path, 80); });
  ASSERT_TRUE(eventually([&] { return server.is_running(); }));
  client c(client::over_unix{path});
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(at.await("/wait"));
  c.close();
  EXPECT_TRUE(at.await("client_closed")) << at.text();
  server.stop();
  listens.join();
  ::unlink(path.c_str());
}

TEST(watched, hang_ups_over_ipv6_are_heard) {
  needs({ipv6()});
  http::watched<httplib::Server> server;
  told at;
  server.Get("/wait", [&](const Request& req, Response&) {
    at.tell(req.remote_addr);
    at.tell(end_of(context_of(req)));
  });
  const int port = server.bind_to_any_port("::1");
  ASSERT_GT(port, 0);
  std::thread listens([&] { server.listen_after_bind(); });
  client c(static_cast<std::uint16_t>(port), client::over_v6{});
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(at.await("::1")) << at.text();
  c.close();
  EXPECT_TRUE(at.await("client_closed"));
  server.stop();
  listens.join();
}

// A frame of RFC 6455, as a client sends it: masked, here with zeros.
std::string frame(char opcode, const std::string& text) {
  return std::string{static_cast<char>(0x80 | opcode), static_cast<char>(0x80 | text.size())} +
         std::string(4, '\0') + text;
}

// Versions differ in whether they have WebSockets.
template <class Server>
void add_websocket(httplib_server<Server>& s) {
  if constexpr (requires { s.server.set_websocket_ping_interval(1); }) {
    s.server.WebSocket("/ws", [&s](const auto& req, auto& socket) {
      std::string text;
      while (socket.read(text)) {
        socket.send("got " + text);
        if (text == "wait") {
          s.at.tell("/ws");
          s.at.tell("ended by " + end_of(context_of(req)));
        }
      }
      s.at.tell("closed");
    });
    s.at.tell("has websockets");
  }
}

TEST(watched, a_websocket_works_and_its_handler_hears_the_client_leave) {
  server_under_test server([](auto& s) { add_websocket(s); });
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/ws",
                         "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                         "Sec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")));
  if (server.at.count("has websockets") == 0) {
    EXPECT_EQ(c.receive().status, 404);  // this version has none
    return;
  }
  EXPECT_NE(c.receive_until("\r\n\r\n").find("101"), std::string::npos);
  for (const char* text : {"one", "two"}) {
    ASSERT_TRUE(c.send(frame(1, text)));
    EXPECT_NE(c.receive_until(std::string("got ") + text), "");
  }
  ASSERT_TRUE(c.send(frame(1, "wait") + frame(1, "unread")));
  EXPECT_NE(c.receive_until("got wait"), "");  // nothing is unread: it leaves with a FIN
  ASSERT_TRUE(server.at.await("/ws"));
  c.close();
  EXPECT_TRUE(server.at.await("ended by client_closed")) << server.at.text();
  EXPECT_TRUE(server.at.await("closed"));
}

// All that clients do, in an order that is each time another one.
void misbehave(const server_under_test& server, unsigned seed) {
  for (unsigned i = 0; i < 40; ++i) {
    seed = seed * 1664525U + 1013904223U;
    client c = server.connect();
    switch ((seed >> 24) % 8) {
      case 0:
        c.send(get("/wait"));
        c.close();
        break;
      case 1:
        c.send(get("/wait") + get("/fast") + "x");
        c.reset();
        break;
      case 2:
        c.send(get("/events"));
        c.receive_until("data");
        c.reset();
        break;
      case 3:
        c.send(part_of_body("/echo", 100'000, 50'000));
        c.close();
        break;
      case 4:
        EXPECT_EQ(c.ask(post("/echo", unread)).body, unread);
        break;
      case 5:
        c.send(get("/fast") + get("/fast") + get("/wait"));
        c.receive();
        c.shutdown_write();
        c.receive_rest();
        break;
      case 6:
        c.send("GET /fast HT");
        c.close();
        break;
      default:
        EXPECT_EQ(c.ask(get("/fast")).body, "fast\n");
    }
  }
}

TEST(watched, clients_that_do_everything_at_once_leave_nothing_behind) {
  const auto before = open_descriptors();
  {
    server_under_test server;
    std::vector<std::thread> clients;
    for (unsigned i = 0; i < 6; ++i) {
      clients.emplace_back([&server, i] { misbehave(server, i); });
    }
    for (auto& c : clients) {
      c.join();
    }
    EXPECT_EQ(server.connect().ask(get("/fast")).body, "fast\n");
    server.stop();
    EXPECT_EQ(server.at.count("ended by it has not ended"), 0);
  }
  // Each thread that waits on a context keeps one for its life; those of this test are over.
  EXPECT_EQ(open_descriptors(), before);
}

TEST(watched, an_answer_to_head_that_was_sent_is_whole_although_its_provider_was_not_called) {
  http::detail::answer_progress answer;
  auto [ctx, cancel] = with_cancel(background());
  cancel({.kind = http::causes::client_closed});  // after the last byte
  answer.client = ctx;
  answer.begun = true;
  Request req;
  Response res;
  res.content_provider_ = [](std::size_t, std::size_t, httplib::DataSink&) { return true; };
  req.method = "HEAD";
  EXPECT_FALSE(http::detail::was_cut(answer, req, res));
  req.method = "GET";
  EXPECT_TRUE(http::detail::was_cut(answer, req, res));
}

TEST(watched, loggers_set_through_the_base_are_told_if_they_are_wrapped) {
  told logged;
  server_under_test server([&](auto& s) {
    httplib::Server& base = s.server;
    base.set_logger(http::log_departures([&](const Request& req, const Response& res) {
      logged.tell(req.path + " " + std::to_string(res.status));
    }));
  });
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  c.close();
  EXPECT_TRUE(logged.await("/wait 499"));
}

}  // namespace
}  // namespace hangup::wire
