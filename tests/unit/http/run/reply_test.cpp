// The answer that a handler makes: what a stream is called, for whom, and what cannot be said.
#include "hangup/http/reply.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "hangup/http/detail/httplib_call.h"
#include "hangup/http/httplib_handler.h"
#include "http/run/reply_access.h"

namespace hangup::http {
namespace {

// Of a navigation.
const char* const chromium =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;"
    "q=0.8,application/signed-exchange;v=b3;q=0.7";
const char* const firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

request asks(const std::vector<std::string>& accept) {
  std::vector<field> lines;
  for (const auto& line : accept) {
    lines.push_back({"Accept", line});
  }
  return request("GET", "/", lines);
}

std::error_code nothing(const context&, body_writer&) {
  return {};
}

std::string said(const reply& res, std::string_view name) {
  return std::string(res.header(name).value_or(""));
}

TEST(reply, keeps_its_context) {
  struct id {
    using type = std::string;
  };
  const request req("GET", "/");
  std::optional<cancelable> parent = with_cancel(background());
  reply res(with_value<id>(parent->ctx, "a temporary"), req);
  parent.reset();
  auto later = res.defer();
  ASSERT_NE(later.ctx().value<id>(), nullptr);
  EXPECT_EQ(*later.ctx().value<id>(), "a temporary");
}

// Content-Type, Vary and X-Content-Type-Options of a stream.
std::vector<std::string> streamed(const std::string& type, const std::vector<std::string>& accept) {
  const auto req = asks(accept);
  reply res(background(), req);
  res.stream(type, nothing);
  EXPECT_TRUE(res.is_streamed());
  const std::vector<std::string> all = {said(res, "Content-Type"), said(res, "Vary"),
                                        said(res, "X-Content-Type-Options")};
  httplib::Request other;
  detail::fill(other, req);
  httplib::Response same;
  stream(background(), other, same, type, nothing);
  EXPECT_EQ(all, (std::vector{same.get_header_value("Content-Type"), same.get_header_value("Vary"),
                              same.get_header_value("X-Content-Type-Options")}))
      << "both kinds of handlers";
  return all;
}

TEST(stream, is_text_for_who_opens_a_page_where_browsers_would_save_it) {
  const std::vector<std::string> shown = {"text/plain; charset=utf-8", "Accept", "nosniff"};
  for (const auto* accept : {chromium, firefox, "Text/HTML", "text/html, application/*;q=0.5"}) {
    for (const auto* type : {"application/x-ndjson", "text/csv; charset=utf-8; header=present",
                             "TEXT/CSV", "application/x-ndjson ; a=b", "text/event-stream"}) {
      EXPECT_EQ(streamed(type, {accept}), shown) << accept << " " << type;
    }
  }
  EXPECT_EQ(streamed("application/x-ndjson", {"text/html", "*/*;q=0.8"}), shown)
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
    EXPECT_EQ(streamed("application/x-ndjson", accept),
              (std::vector<std::string>{"application/x-ndjson", "Accept", ""}))
        << "another might have got another";
  }
}

TEST(stream, of_a_type_that_browsers_show_is_left_as_it_is) {
  for (const auto* type : {"application/json", "text/plain", "image/png", "text/html"}) {
    EXPECT_EQ(streamed(type, {chromium}), (std::vector<std::string>{type, "", ""}));
  }
}

TEST(stream, is_not_stored_unless_the_handler_says_something_else) {
  const request req("GET", "/");
  reply res(background(), req);
  res.stream("text/csv", nothing);
  EXPECT_EQ(res.header("Cache-Control"), "no-store");
  reply kept(background(), req);
  kept.set("Cache-Control", "max-age=60");
  kept.stream("text/csv", nothing);
  EXPECT_EQ(kept.count("Cache-Control"), 1U);
  EXPECT_EQ(kept.header("Cache-Control"), "max-age=60");
}

// Whatever room there is for the lines: the value is in the memory that moves.
TEST(reply, sets_a_header_to_the_value_of_another) {
  const request req("GET", "/");
  for (std::size_t bytes = 1; bytes < 5000; bytes += bytes / 8 + 1) {
    reply res(background(), req);
    const std::string tag(bytes, 'a');
    res.set("ETag", tag);
    res.set("X-Copy-Of-The-Tag", *res.header("ETag"));
    EXPECT_EQ(res.header("X-Copy-Of-The-Tag"), tag) << bytes;
  }
}

TEST(reply, has_headers_that_are_set_once_or_added) {
  const request req("GET", "/");
  reply res(background(), req);
  res.set("ETag", "\"1\"");
  res.add("Set-Cookie", "a=1");
  res.add("set-cookie", "b=2");
  res.set("etag", "W/" + std::string(*res.header("ETag")));
  EXPECT_EQ(res.header("ETAG"), "W/\"1\"");
  EXPECT_EQ(res.count("ETag"), 1U);
  EXPECT_EQ(res.header("Set-Cookie"), "a=1");
  EXPECT_EQ(res.count("Set-Cookie"), 2U);
  res.set("X", *res.header("Set-Cookie"));
  res.set("Set-Cookie", *res.header("Set-Cookie"));  // its own value, in the line that goes
  EXPECT_EQ(res.header("Set-Cookie"), "a=1");
  EXPECT_EQ(res.count("Set-Cookie"), 1U);
  for (int i = 0; i < 100; ++i) {
    res.add("Y", *res.header("X"));
  }
  EXPECT_EQ(res.count("Y"), 100U);
  res.remove("y");
  EXPECT_FALSE(res.has("Y"));
  res.set("Empty", "");
  EXPECT_EQ(res.header("Empty"), "");
  EXPECT_EQ(reply_access::lines(res).find("\r\n\r\n"), std::string::npos);
}

TEST(reply, refuses_every_byte_that_a_head_must_not_have) {
  const request req("GET", "/");
  reply res(background(), req);
  for (int c = 0; c < 256; ++c) {
    const std::string value{'a', static_cast<char>(c), 'b'};
    const bool allowed = (c >= 0x20 && c != 0x7f) || c == '\t';
    if (allowed) {
      EXPECT_NO_THROW(res.set("X", value)) << c;
    } else {
      EXPECT_THROW(res.set("X", value), std::invalid_argument) << c;
      EXPECT_THROW(res.add("X", value), std::invalid_argument) << c;
      EXPECT_THROW(res.body(value, "text"), std::invalid_argument) << c;
      EXPECT_THROW(res.stream(value, nothing), std::invalid_argument) << c;
    }
  }
  for (const auto* name : {"", "a b", "a:b", "a\r\nb", "\xc3\xa4"}) {
    EXPECT_THROW(res.set(name, "x"), std::invalid_argument) << name;
  }
  EXPECT_EQ(res.count("X"), 1U);
  EXPECT_FALSE(res.is_streamed());
  EXPECT_EQ(res.body(), "");
}

TEST(reply, leaves_to_the_connection_what_is_its_own) {
  const request req("GET", "/");
  reply res(background(), req);
  for (const auto* name : {"Connection", "keep-alive", "CONTENT-LENGTH", "Transfer-Encoding",
                           "Trailer", "X-Request-Id"}) {
    EXPECT_THROW(res.set(name, "1"), std::invalid_argument) << name;
    EXPECT_THROW(res.add(name, "1"), std::invalid_argument) << name;
  }
  EXPECT_NO_THROW(res.set("Date", "a day of its own"));
}

TEST(reply, has_a_status_that_can_end_a_request) {
  const request req("GET", "/");
  reply res(background(), req);
  EXPECT_EQ(res.status(), 200);
  for (const int status : {-1, 0, 100, 101, 199, 600}) {
    EXPECT_THROW(res.status(status), std::invalid_argument) << status;
  }
  res.status(404);
  EXPECT_EQ(res.status(), 404);
}

TEST(reply, is_the_last_that_was_made) {
  const request req("GET", "/");
  reply res(background(), req);
  res.stream("text/csv", nothing);
  res.body("text/plain", "whole");
  EXPECT_FALSE(res.is_streamed());
  res.problem(409, "not now");
  EXPECT_EQ(res.status(), 409);
  EXPECT_EQ(res.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(res.count("Content-Type"), 1U);
  EXPECT_EQ(nlohmann::json::parse(res.body()).at("detail"), "not now");
  res.clear();
  EXPECT_EQ(res.status(), 200);
  EXPECT_EQ(res.body(), "");
  EXPECT_FALSE(res.has("Content-Type"));
  EXPECT_TRUE(reply_access::is_empty(res));
}

TEST(reply, gives_its_producers_the_part_that_they_are_to_make) {
  const request req("GET", "/");
  reply res(background(), req);
  res.stream("text/plain", 10,
             [](const context& ctx, body_writer& out, std::uint64_t first, std::uint64_t length) {
               return out.write(ctx, std::string_view("0123456789").substr(first, length));
             });
  std::string taken;
  body_writer out([&](std::string_view piece) {
    taken.append(piece);
    return true;
  });
  EXPECT_FALSE(res.produce(background(), out));
  EXPECT_EQ(taken, "0123456789");
  taken.clear();
  EXPECT_FALSE(reply_access::produce(res, background(), out, 3, 4));
  EXPECT_EQ(taken, "3456");
}

TEST(reply, that_is_deferred_is_made_by_who_sends_it) {
  const request req("GET", "/");
  reply res(background(), req);
  EXPECT_EQ(res.sent_later(), nullptr);
  const auto later = res.defer();
  EXPECT_THROW(res.defer(), std::logic_error);
  EXPECT_EQ(res.sent_later(), nullptr);
  EXPECT_FALSE(later.send([](reply& r) {
    EXPECT_THROW(r.defer(), std::logic_error) << "once is enough";
    r.body("text/plain", "later");
  }));
  ASSERT_NE(res.sent_later(), nullptr);
  EXPECT_EQ(res.sent_later()->body(), "later");
  EXPECT_EQ(later.send([](reply&) { ADD_FAILURE(); }), std::errc::already_connected);
}

TEST(reply, that_is_deferred_is_over_with_its_context) {
  const request req("GET", "/");
  const auto scope = with_cancel(background());
  reply res(scope.ctx, req);
  const auto later = res.defer();
  scope.cancel();
  EXPECT_TRUE(later.ctx().done());
  EXPECT_EQ(later.send([](reply&) { ADD_FAILURE(); }), scope.ctx.err());
  EXPECT_EQ(res.sent_later(), nullptr);
}

TEST(reply, that_nobody_can_send_any_more_has_failed) {
  const request req("GET", "/");
  reply res(background(), req);
  { const auto later = res.defer(); }
  EXPECT_THROW(res.sent_later(), std::runtime_error);
}

TEST(body_writer, says_why_nothing_more_is_taken) {
  bool takes = true;
  body_writer out([&](std::string_view) { return takes; });
  const auto scope = with_cancel(background());
  EXPECT_FALSE(out.write(scope.ctx, "a"));
  EXPECT_FALSE(out.write(scope.ctx, ""));
  takes = false;
  EXPECT_EQ(out.write(scope.ctx, "a"), std::errc::broken_pipe);
  EXPECT_FALSE(out.write(scope.ctx, "")) << "an empty piece is not sent";
  scope.cancel();
  EXPECT_EQ(out.write(scope.ctx, "a"), scope.ctx.err());
}

}  // namespace
}  // namespace hangup::http
