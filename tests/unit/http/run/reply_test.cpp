// What a stream is called, for whom.
#include "hangup/http/reply.h"

#include <gtest/gtest.h>

#include "hangup/http/request.h"

namespace hangup::http {
namespace {

// Of a navigation.
const char* const chromium =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;"
    "q=0.8,application/signed-exchange;v=b3;q=0.7";
const char* const firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

httplib::Response streamed(const std::string& type, const std::vector<std::string>& accept,
                           httplib::Response res = {}) {
  httplib::Request req;
  req.version = "HTTP/1.1";
  for (const auto& line : accept) {
    req.set_header("Accept", line);
  }
  stream(background(), req, res, type,
         [](const context&, body_writer&) { return std::error_code(); });
  return res;
}

std::string type_of(const std::string& type, const std::vector<std::string>& accept) {
  return streamed(type, accept).get_header_value("Content-Type");
}

TEST(stream, is_text_for_who_opens_a_page_where_browsers_would_save_it) {
  for (const auto* accept : {chromium, firefox, "Text/HTML", "text/html, application/*;q=0.5"}) {
    for (const auto* type : {"application/x-ndjson", "text/csv; charset=utf-8; header=present",
                             "TEXT/CSV", "application/x-ndjson ; a=b", "text/event-stream"}) {
      const auto res = streamed(type, {accept});
      EXPECT_EQ(res.get_header_value("Content-Type"), "text/plain; charset=utf-8")
          << accept << " " << type;
      EXPECT_EQ(res.get_header_value("X-Content-Type-Options"), "nosniff");
      EXPECT_EQ(res.get_header_value("Vary"), "Accept");
    }
  }
  EXPECT_EQ(type_of("application/x-ndjson", {"text/html", "*/*;q=0.8"}),
            "text/plain; charset=utf-8")
      << "over two lines";
}

TEST(stream, keeps_its_type_for_everybody_else) {
  for (const auto& accept :
       std::vector<std::vector<std::string>>{{},
                                             {"*/*"},
                                             {"application/x-ndjson"},
                                             {"text/html, application/x-ndjson"},
                                             {"text/html;q=0.5, application/*"},
                                             {"text/html;q=0, */*"},
                                             {"text/*"},
                                             {"text/event-stream"}}) {
    const auto res = streamed("application/x-ndjson", accept);
    EXPECT_EQ(res.get_header_value("Content-Type"), "application/x-ndjson");
    EXPECT_EQ(res.get_header_value("Vary"), "Accept") << "another might have got another";
    EXPECT_FALSE(res.has_header("X-Content-Type-Options"));
  }
}

TEST(stream, of_a_type_that_browsers_show_is_left_as_it_is) {
  for (const auto* type : {"application/json", "text/plain", "image/png", "text/html"}) {
    const auto res = streamed(type, {chromium});
    EXPECT_EQ(res.get_header_value("Content-Type"), type);
    EXPECT_FALSE(res.has_header("Vary"));
  }
}

TEST(stream, is_not_stored_unless_the_handler_says_something_else) {
  EXPECT_EQ(streamed("text/csv", {}).get_header_value("Cache-Control"), "no-store");
  httplib::Response kept;
  kept.set_header("Cache-Control", "max-age=60");
  const auto res = streamed("text/csv", {}, std::move(kept));
  EXPECT_EQ(res.get_header_value_count("Cache-Control"), 1U);
  EXPECT_EQ(res.get_header_value("Cache-Control"), "max-age=60");
}

}  // namespace
}  // namespace hangup::http
