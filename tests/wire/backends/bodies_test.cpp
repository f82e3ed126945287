// Bodies in both directions, as servers of cpp-httplib have them, with both of ours.
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

#include "tests/support/gunzip.h"
#include "tests/support/temporary_directory.h"
#include "tests/wire/backends/both.h"

namespace hangup::wire {
namespace {

using namespace test;
using httplib::DataSink;
using httplib::Request;
using httplib::Response;

template <class Server>
class bodies_of : public of_both<Server> {};
TYPED_TEST_SUITE(bodies_of, both_servers, names_of_both);

std::string packed(const std::string& text) {
  z_stream z{};
  constexpr int as_gzip = 15 + 16;
  EXPECT_EQ(::deflateInit2(&z, 6, Z_DEFLATED, as_gzip, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(::deflateBound(&z, text.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  ::deflateEnd(&z);
  return out;
}

#ifdef CPPHTTPLIB_ZLIB_SUPPORT
constexpr bool has_gzip = true;
#else
constexpr bool has_gzip = false;
#endif

TYPED_TEST(bodies_of, an_encoded_body_is_decoded_or_refused_by_the_base) {
  typename TestFixture::under_test server([](auto& s) {
    s.server.Post("/reader", [](const Request&, Response& res, const httplib::ContentReader& read) {
      std::string all;
      read([&all](const char* piece, std::size_t size) {
        all.append(piece, size);
        return true;
      });
      res.set_content(all, "text/plain");
    });
  });
  const std::string text(100'000, 't');
  for (const char* path : {"/echo", "/reader"}) {
    client c = server.connect();
    const auto a = c.ask(post(path, packed(text), "Content-Encoding: gzip\r\n"));
    if (has_gzip) {
      EXPECT_EQ(a.status, 200) << path;
      EXPECT_EQ(a.body, text) << path;
      EXPECT_EQ(c.ask(get("/fast")).body, "fast\n") << "the connection goes on";
    } else {
      EXPECT_EQ(a.status, 415) << path;
    }
  }
}

TYPED_TEST(bodies_of, an_answer_is_packed_for_who_asks) {
  const std::string text(20'000, 'a');
  typename TestFixture::under_test server([&text](auto& s) {
    s.server.Get("/text",
                 [&text](const Request&, Response& res) { res.set_content(text, "text/plain"); });
    s.server.Get("/pieces", [&text](const Request&, Response& res) {
      res.set_chunked_content_provider("text/plain", [&text](std::size_t at, DataSink& sink) {
        if (at >= 2 * text.size()) {
          sink.done();
          return true;
        }
        return sink.write(text.data(), text.size());
      });
    });
  });
  client c = server.connect();
  for (const auto& [path, size] : {std::pair("/text", 20'000U), std::pair("/pieces", 40'000U)}) {
    const auto plain = c.ask(get(path));
    EXPECT_EQ(plain.header("content-encoding"), "");
    EXPECT_EQ(plain.body.size(), size);
    const auto a = c.ask(get(path, "Accept-Encoding: gzip\r\n"));
    EXPECT_TRUE(a.whole);
    EXPECT_EQ(a.header("content-encoding"), has_gzip ? "gzip" : "");
    EXPECT_EQ((has_gzip ? gunzip(a.body) : a.body).size(), size) << path;
  }
}

// The parts of a form, one after the other, as they come.
template <class Read>
std::string read_parts(const Read& read) {
  std::string all;
  read(
      [&all](const auto& part) {
        all += "[" + part.name + (part.filename.empty() ? "" : " " + part.filename) + "]";
        return true;
      },
      [&all](const char* piece, std::size_t size) {
        all.append(piece, size);
        return true;
      });
  return all;
}

TYPED_TEST(bodies_of, a_multipart_form_is_read_part_by_part) {
  typename TestFixture::under_test server([](auto& s) {
    s.server.Post("/form", [](const Request& req, Response& res,
                              const httplib::ContentReader& read) {
      res.set_content(req.is_multipart_form_data() ? read_parts(read) : "no form", "text/plain");
    });
  });
  const std::string large(200'000, 'l');
  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
      "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\n"
      "Content-Type: text/plain\r\n\r\n" +
      large + "\r\n--b--\r\n";
  client c = server.connect();
  const auto a = c.ask(post("/form", form, "Content-Type: multipart/form-data; boundary=b\r\n"));
  EXPECT_EQ(a.body, "[a]1[f f.txt]" + large);
  EXPECT_EQ(c.ask(get("/fast")).status, 200);
}

TYPED_TEST(bodies_of, a_provider_without_a_length_ends_with_the_connection) {
  typename TestFixture::under_test server([](auto& s) {
    s.server.set_keep_alive_timeout(1);  // for which the base goes on to wait
    s.server.Get("/until_close", [&s](const Request&, Response& res) {
      res.set_content_provider(
          "text/plain",
          [](std::size_t, DataSink& sink) {
            sink.write("one ", 4);
            sink.write("two", 3);
            sink.done();
            return true;
          },
          [&s](bool) { s.at.tell("released"); });
    });
  });
  client c = server.connect();
  ASSERT_TRUE(c.send(get("/until_close")));
  const auto all = c.receive_rest();
  EXPECT_TRUE(all.ends_with("\r\n\r\none two")) << all;
  EXPECT_EQ(c.how_it_ended(), ending::fin);
  EXPECT_TRUE(server.at.await("released"));
  server.stop();
  EXPECT_EQ(server.at.count("released"), 1);
  EXPECT_EQ(server.logged.text(), "/until_close 200; ");
}

// However an answer ends, what it had is released once.
TYPED_TEST(bodies_of, a_provider_is_released_once_however_its_answer_ends) {
  typename TestFixture::under_test server([](auto& s) {
    s.server.Get("/length", [&s](const Request& req, Response& res) {
      res.set_content_provider(
          100'000'000, "text/plain",
          [&s, ctx = http::context_of(req)](std::size_t, std::size_t, DataSink& sink) {
            static const std::string piece(1000, 'p');
            s.at.tell("piece");
            return sink.write(piece.data(), piece.size()) && end_of(ctx).empty();
          },
          [&s](bool whole) { s.at.tell(whole ? "released whole" : "released"); });
    });
  });
  const auto released = [&server] {
    return server.at.count("released") + server.at.count("released whole");
  };
  client cut = server.connect();
  ASSERT_TRUE(cut.send(get("/length")));
  ASSERT_TRUE(server.at.await("piece"));
  cut.close();
  EXPECT_TRUE(eventually([&] { return released() == 1; })) << server.at.text();
  client head = server.connect();
  ASSERT_TRUE(head.send("HEAD /length HTTP/1.1\r\nHost: test\r\n\r\n"));
  EXPECT_EQ(head.receive(true).header("content-length"), "100000000");
  EXPECT_TRUE(eventually([&] { return released() == 2; })) << server.at.text();
  server.stop();
  EXPECT_EQ(released(), 2) << server.at.text();
  EXPECT_EQ(server.at.count("released whole"), 0);
}

// Newer versions have it.
template <class R>
void set_file(R& res, const std::string& path) {
  if constexpr (requires { res.set_file_content(path); }) {
    res.set_file_content(path);
  } else {
    res.set_content("contents", "text/plain");
  }
}

TYPED_TEST(bodies_of, a_handler_answers_with_a_file) {
  const temporary_directory files;
  const auto path = files.write("a.txt", "contents");
  typename TestFixture::under_test server([&](auto& s) {
    s.server.Get("/file", [&](const Request&, Response& res) { set_file(res, path); });
  });
  client c = server.connect();
  const auto a = c.ask(get("/file"));
  EXPECT_EQ(a.body, "contents");
  EXPECT_EQ(a.header("content-type").substr(0, 10), "text/plain");
}

TYPED_TEST(bodies_of, an_expectation_is_refused_with_the_answer_of_its_handler) {
  typename TestFixture::under_test server([](auto& s) {
    s.server.set_expect_100_continue_handler([](const Request& req, Response& res) {
      if (req.has_header("Authorization")) {
        return 100;
      }
      res.status = 403;
      res.set_content("who are you", "text/plain");
      return 403;
    });
  });
  const std::string expects =
      "Host: test\r\nContent-Type: a/b\r\nContent-Length: 4\r\nExpect: 100-continue\r\n";
  client no = server.connect();
  ASSERT_TRUE(no.send("POST /echo HTTP/1.1\r\n" + expects + "\r\n"));
  const auto refused = no.receive();
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.body, "who are you");
  EXPECT_TRUE(no.sees_the_end()) << "the body may come all the same: nobody could tell";
  client yes = server.connect();
  ASSERT_TRUE(yes.send("POST /echo HTTP/1.1\r\n" + expects + "Authorization: yes\r\n\r\n"));
  EXPECT_EQ(yes.receive().status, 100);
  ASSERT_TRUE(yes.send("body"));
  EXPECT_EQ(yes.receive().body, "body");
}

TYPED_TEST(bodies_of, a_body_that_is_too_large_is_refused) {
  typename TestFixture::under_test server([](auto& s) { s.server.set_payload_max_length(1000); });
  client fits = server.connect();
  EXPECT_EQ(fits.ask(post("/echo", std::string(1000, 'x'))).status, 200);
  client whole = server.connect();
  EXPECT_EQ(whole.ask(post("/echo", std::string(1001, 'x'))).status, 413);
  EXPECT_TRUE(server.logged.await("/echo 413")) << server.logged.text();
  client chunked = server.connect();
  const auto a = chunked.ask(
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n"
      "7d0\r\n" +
      std::string(2000, 'x') + "\r\n0\r\n\r\n");
  EXPECT_TRUE(a.status == 413 || a.status == 400 || !is_hosted<TypeParam>)
      << "older versions do not count chunks: " << a.status;
}

}  // namespace
}  // namespace hangup::wire
