// What cpp-httplib's servers do, `hosted` does, with all that is set on the server.
#include "tests/support/temporary_directory.h"
#include "tests/wire/hosted_fixture.h"

namespace hangup::wire {
namespace {

using httplib::DataSink;
using handled = httplib::Server::HandlerResponse;

class hosted : public hosted_fixture {};

void say(Response& res, const std::string& text) {
  res.set_content(text, "text/plain");
}

TEST_F(hosted, routes_by_regular_expression_and_reads_what_was_sent) {
  server.Get(R"(/n/(\d+))", [](const Request& req, Response& res) {
    say(res, req.matches[1].str() + " " + req.get_param_value("q") + " " +
                 req.get_header_value("X") + " " + req.target + " " + req.remote_addr);
  });
  start();
  const auto a = ask(get("/n/42?q=a%20b%zz", "X: 1%41%0d%0aY: 2\r\nREMOTE_ADDR: 192.0.2.1\r\n"));
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, "42 a b%zz 1%41%0d%0aY: 2 /n/42?q=a%20b%zz 127.0.0.1");
  EXPECT_EQ(ask(get("/n/x")).status, 404);
  EXPECT_EQ(ask(get("http://test/n/7")).body.substr(0, 1), "7");
}

TEST_F(hosted, has_mounts_default_headers_and_error_pages) {
  const temporary_directory files;
  files.write("a.txt", "of a file");
  server.set_mount_point("/files", files.path());
  server.set_default_headers({{"X-All", "yes"}});
  const httplib::Server::Handler error = [](const Request&, Response& res) {
    say(res, "no " + std::to_string(res.status));
  };
  server.set_error_handler(error);
  start();
  const auto a = ask(get("/files/a.txt"));
  EXPECT_EQ(a.body, "of a file");
  EXPECT_EQ(a.header("x-all"), "yes");
  EXPECT_EQ(ask(get("/files/b.txt")).body, "no 404");
  EXPECT_EQ(ask(get("/files/%2e%2e/a.txt")).status, 404);
}

TEST_F(hosted, adds_default_headers_and_pages_to_the_answers_that_hangup_makes) {
  // The last two are refused by options::default_headers, and taken by cpp-httplib.
  server.set_default_headers({{"Access-Control-Allow-Origin", "*"}, {"Date", "now"}, {"", "x"}});
  http::hosted_options how;
  how.deadline = std::chrono::milliseconds(1);
  how.make_error = [](const http::server_error& e) {
    return http::error_page{"application/json", "{\"error\":" + std::to_string(e.status) + "}"};
  };
  server.Get("/late",
             [](const Request& req, Response&) { wait_done(http::context_of(req)).get(); });
  start(how);
  for (const auto& [request, status] :
       {std::pair{std::string("GARBAGE\r\n\r\n"), 400},
        std::pair{get("/", "X: " + std::string(9000, 'x') + "\r\n"), 431},
        std::pair{get("/late"), 504}}) {
    const auto a = ask(request);
    EXPECT_EQ(a.status, status);
    EXPECT_EQ(a.header("access-control-allow-origin"), "*") << status;
    EXPECT_NE(a.header("date"), "now") << status;
    EXPECT_EQ(a.header("content-type"), "application/json") << status;
    EXPECT_EQ(a.body, "{\"error\":" + std::to_string(status) + "}");
  }
  EXPECT_TRUE(ends.await("400"));
}

TEST_F(hosted, tells_the_logger_of_the_status_that_is_sent_in_place_of_no_answer) {
  server.Get("/late",
             [](const Request& req, Response&) { wait_done(http::context_of(req)).get(); });
  server.Get("/empty", [](const Request&, Response&) {});
  server.Get("/answers", [](const Request& req, Response& res) {
    wait_done(http::context_of(req)).get();
    say(res, "late");
  });
  server.set_logger([this](const Request& req, const Response& res) {
    at.tell(req.path + " " + std::to_string(res.status));
  });
  start({.deadline = std::chrono::milliseconds(200)});
  EXPECT_EQ(ask(get("/late")).status, 504);
  EXPECT_TRUE(at.await("/late 504"));
  EXPECT_EQ(ask(get("/empty")).status, 200);
  EXPECT_TRUE(at.await("/empty 200"));
  EXPECT_EQ(ask(get("/answers")).status, 200);
  EXPECT_TRUE(at.await("/answers 200"));
}

TEST_F(hosted, gives_the_context_to_every_handler) {
  const auto carries = [this](const char* what) {
    return [this, what](const Request& req, Response&) {
      at.tell(http::request_id(http::context_of(req)) == "one" ? what : "none");
      return handled::Unhandled;
    };
  };
  server.set_pre_routing_handler(carries("pre-routing"));
  server.set_post_routing_handler(
      [c = carries("post-routing")](const Request& q, Response& r) { c(q, r); });
  const httplib::Server::HandlerWithResponse on_error = carries("error");
  server.set_error_handler(on_error);
  server.set_logger([this](const Request& req, const Response&) {
    at.tell(http::request_id(http::context_of(req)) == "one" ? "log" : "none");
  });
  server.set_exception_handler([c = carries("exception")](const Request& q, Response& r, auto&&) {
    r.status = 500;
    c(q, r);
  });
  server.Get("/throw", [](const Request& req, Response&) {
    const Request copy = req;
    if (http::request_id(http::context_of(copy)) == "one") {
      throw std::runtime_error("thrown");
    }
  });
  start();
  EXPECT_EQ(ask(get("/throw", "X-Request-Id: one\r\n")).status, 500);
  for (const char* what : {"pre-routing", "post-routing", "error", "log", "exception"}) {
    EXPECT_TRUE(at.await(what)) << what;
  }
  EXPECT_EQ(at.count("none"), 0);
}

TEST_F(hosted, reads_large_bodies_by_a_content_reader) {
  server.Post("/sum", [this](const Request&, Response& res, const httplib::ContentReader& read) {
    at.tell("/sum");
    std::size_t sum = 0;
    read([&](const char*, std::size_t n) {
      sum += n;
      return true;
    });
    say(res, std::to_string(sum));
  });
  start();
  const std::string body(300'000, 'x');
  EXPECT_EQ(ask(post("/sum", body, "Content-Type: a/b\r\n")).body, "300000");
  // In chunks, of which each but the last comes when the handler waits for it.
  auto c = connect();
  c.send(
      "POST /sum HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 3; ++i) {
    c.send("11170;an=extension\r\n" + std::string(70'000, 'x') + "\r\n");
    EXPECT_TRUE(at.await("/sum", 2));
  }
  c.send("0\r\nA-Trailer: yes\r\n\r\n" + get("/none"));
  EXPECT_EQ(c.receive().body, "210000");
  EXPECT_EQ(c.receive().status, 404) << "the request behind the body";
}

// It is in one place or another.
template <class R>
std::string content_of_file(const R& req, const char* name) {
  if constexpr (requires { req.get_file_value(name); }) {
    return req.get_file_value(name).content;
  } else {
    return req.form.get_file(name).content;
  }
}

TEST_F(hosted, reads_forms) {
  server.Post("/form",
              [](const Request& req, Response& res) { say(res, content_of_file(req, "f")); });
  start();
  const auto a =
      ask(post("/form",
               "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n\"\r\n\r\n"
               "content\r\n--b--\r\n",
               "Content-Type: multipart/form-data; boundary=b\r\n"));
  EXPECT_EQ(a.body, "content");
}

TEST_F(hosted, streams_and_releases_what_streams) {
  server.Get("/chunks", [this](const Request&, Response& res) {
    res.set_chunked_content_provider(
        "text/plain",
        [](std::size_t from, DataSink& sink) {
          if (from >= 30) {
            sink.done();
            return true;
          }
          return sink.write("0123456789", 10);
        },
        [this](bool well) { at.tell(well ? "released well" : "released"); });
  });
  server.Get("/length", [](const Request&, Response& res) {
    res.set_content_provider(10, "text/plain", [](std::size_t from, std::size_t n, DataSink& sink) {
      return sink.write(&"0123456789"[from], n);
    });
  });
  start();
  auto c = connect();
  const auto chunks = c.ask(get("/chunks"));
  EXPECT_EQ(chunks.body.size(), 30U);
  EXPECT_EQ(chunks.header("transfer-encoding"), "chunked");
  EXPECT_TRUE(at.await("released well"));
  EXPECT_EQ(c.ask(get("/length")).body, "0123456789");
  const auto part = c.ask(get("/length", "Range: bytes=2-4\r\n"));
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  std::string many = "Range: bytes=0-0";
  for (int i = 0; i < 49; ++i) {
    many += ",0-9";
  }
  EXPECT_EQ(c.ask(get("/length", many + "\r\n")).status, 200) << "too many ranges are none";
  c.send("HEAD /length HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(c.receive(true).header("content-length"), "10");
}

TEST_F(hosted, answers_an_expectation_as_the_server_says) {
  server.set_expect_100_continue_handler([](const Request& req, Response& res) {
    res.status = 403;
    return req.path == "/no" ? 403 : 100;
  });
  server.Post("/yes", [](const Request& req, Response& res) {
    res.status = 200;
    say(res, req.body);
  });
  start();
  const std::string expects =
      "Host: a\r\nContent-Type: a/b\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
  auto yes = connect();
  yes.send("POST /yes HTTP/1.1\r\n" + expects);
  EXPECT_EQ(yes.receive().status, 100);
  yes.send("body");
  EXPECT_EQ(yes.receive().body, "body");
  auto no = connect();
  no.send("POST /no HTTP/1.1\r\n" + expects);
  EXPECT_EQ(no.receive().status, 403);
}

TEST_F(hosted, answers_what_was_pipelined_and_keeps_the_connection_so_often) {
  server.set_keep_alive_max_count(3);
  server.Get("/", [](const Request&, Response& res) { say(res, "yes"); });
  start();
  auto c = connect();
  c.send(get("/") + get("/") + get("/") + get("/"));
  EXPECT_EQ(c.receive().body, "yes");
  EXPECT_EQ(c.receive().body, "yes");
  const auto last = c.receive();
  EXPECT_EQ(last.body, "yes");
  EXPECT_EQ(last.header("connection"), "close");
  EXPECT_TRUE(c.sees_the_end());
}

TEST_F(hosted, refuses_a_body_that_is_too_large) {
  server.set_payload_max_length(1000);
  server.Post("/", [](const Request&, Response& res) { say(res, "yes"); });
  start();
  EXPECT_EQ(ask(post("/", std::string(1000, 'x'), "Content-Type: a/b\r\n")).status, 200);
  EXPECT_EQ(ask(post("/", std::string(1001, 'x'), "Content-Type: a/b\r\n")).status, 413);
  EXPECT_EQ(ask(part_of_body("/", 1'000'000'000, 200'000)).status, 413) << "before all has come";
  const auto chunked =
      ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nTransfer-Encoding: "
          "chunked\r\n\r\n7d0\r\n" +
          std::string(2000, 'x') + "\r\n0\r\n\r\n");
  EXPECT_TRUE(chunked.status == 413 || chunked.status == 400) << chunked.status;
}

TEST_F(hosted, reads_no_head_that_has_two_meanings) {
  server.Get("/", [](const Request&, Response& res) { say(res, "yes"); });
  start();
  for (const std::string lines :
       {"Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
        "Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", "Host: a\nX: y\r\n",
        "Host: a\r\nX : y\r\n", "Host: a\r\nHost: b\r\n"}) {
    EXPECT_EQ(ask("GET / HTTP/1.1\r\n" + lines + "\r\n").status, 400) << lines;
  }
  EXPECT_EQ(ask(get("/", "X: " + std::string(9000, 'x') + "\r\n")).status, 431);
  EXPECT_EQ(ask("BREW / HTTP/1.1\r\nHost: a\r\n\r\n").status, 501);
}

TEST_F(hosted, does_not_wait_for_a_body_that_nobody_reads) {
  server.set_read_timeout(std::chrono::seconds(1));
  server.Get("/", [this](const Request&, Response& res) {
    at.tell("/");
    say(res, "yes");
  });
  start();
  auto c = connect();
  c.send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nnot all");
  // Newer versions read the body of a GET as well, before they call the handler.
  const auto began = std::chrono::steady_clock::now();
  const auto status = c.receive().status;
  EXPECT_EQ(status, at.count("/") == 1 ? 200 : 400);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
  EXPECT_TRUE(c.sees_the_end()) << "what follows could be the rest of the body";
}

TEST_F(hosted, gives_up_a_body_that_stops) {
  server.set_read_timeout(std::chrono::milliseconds(200));
  server.Post("/", [](const Request&, Response& res) { say(res, "yes"); });
  start({.workers = 1});
  auto small = connect();
  small.send(part_of_body("/", 100, 10));
  auto large = connect();
  large.send(part_of_body("/", 1'000'000, 100'000));
  EXPECT_EQ(small.receive().status, 408) << "no worker waits for it";
  EXPECT_GE(large.receive().status, 400);
  EXPECT_TRUE(large.sees_the_end() || large.how_it_ended() != ending::none);
  EXPECT_EQ(ask(post("/", "x", "Content-Type: a/b\r\n")).status, 200);
}

TEST_F(hosted, refuses_websockets) {
  constexpr bool knows_them = http::detail::serves_websockets<httplib::Server>;
  start();
  EXPECT_EQ(ask(get("/",
                    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"))
                .status,
            knows_them ? 501 : 404)
      << "older versions take it for a plain GET";
}

TEST_F(hosted, answers_500_for_what_a_handler_throws_and_breaks_off_a_stream) {
  server.Get("/throws", [](const Request&, Response&) { throw std::runtime_error("secret"); });
  server.Get("/stream", [](const Request&, Response& res) {
    res.set_chunked_content_provider("text/plain", [](std::size_t from, DataSink& sink) {
      if (from > 0) {
        throw std::runtime_error("secret");
      }
      return sink.write("begin", 5);
    });
  });
  start();
  EXPECT_EQ(ask(get("/throws")).status, 500);
  const auto broken = ask(get("/stream"));
  EXPECT_EQ(broken.status, 200);
  EXPECT_FALSE(broken.whole);
  EXPECT_TRUE(ends.await("failed", 2));
}

TEST_F(hosted, serves_a_unix_socket) {
  const temporary_directory files;
  const auto path = files / "s";
  http::hosted<httplib::Server> other;
  other.Get("/", [](const Request&, Response& res) { say(res, "yes"); });
  other.set_address_family(AF_UNIX);
  ASSERT_TRUE(other.bind_to_port(path, 80));
  std::thread listens([&] { other.listen_after_bind(); });
  EXPECT_EQ(client(client::over_unix{path}).ask(get("/")).body, "yes");
  other.stop();
  listens.join();
}

TEST_F(hosted, listens_again) {
  server.Get("/", [](const Request&, Response& res) { say(res, "yes"); });
  for (int i = 0; i < 3; ++i) {
    start();
    EXPECT_EQ(ask(get("/")).body, "yes");
    stop();
    EXPECT_FALSE(server.is_running());
  }
}

}  // namespace
}  // namespace hangup::wire
