// The same requests, to cpp-httplib's own server and to ours: the answers are the same. `watched`
// sends the same bytes, `hosted` and the native server what means the same.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "hangup/http/hosted.h"
#include "hangup/http/watched.h"
#include "tests/wire/backends/features.h"
#include "tests/wire/backends/native_server.h"
#include "tests/wire/backends/samples.h"

namespace hangup::wire {
namespace {

using namespace test;
using stock_server = httplib_server<httplib::Server>;
using watched_server = httplib_server<http::watched<httplib::Server>>;
using hosted_server = httplib_server<http::hosted<httplib::Server>>;

// cpp-httplib separates the parts of several ranges by a random text.
std::string without_boundary(std::string text) {
  constexpr std::string_view before = "boundary=";
  if (const auto at = text.find(before); at != std::string::npos) {
    const auto from = at + before.size();
    const auto boundary = text.substr(from, text.find_first_of("\r\n", from) - from);
    for (auto found = text.find(boundary); found != std::string::npos;
         found = text.find(boundary)) {
      text.replace(found, boundary.size(), "B");
    }
  }
  return text;
}

std::string raw(client&& c, const std::string& request) {
  c.send(request);
  return without_boundary(c.receive_rest());
}

// What an answer means, without how its body is framed.
enum class compared { all, what_native_has };
std::string meaning(client&& c, const std::string& request, compared what = compared::all) {
  c.send(request);
  const bool to_head = request.starts_with("HEAD");
  answer a;
  do {
    a = c.receive(to_head);
  } while (a.status / 100 == 1);
  std::string all = std::to_string(a.status) + "\n";
  for (const char* name :
       {"content-type", "content-range", "content-encoding", "accept-ranges", "location",
        "x-default", "x-post", "x-file", "x-pre-request", "etag", "last-modified", "vary"}) {
    const bool counts = what == compared::all || std::string_view(name).starts_with("content");
    if (const auto value = a.header(name); counts && !value.empty()) {
      all += std::string(name) + ": " + value + "\n";
    }
  }
  if (a.header("content-type").starts_with("multipart/byteranges")) {
    return without_boundary(all + "\r\n" + a.body);
  }
  return all + a.body + (a.whole ? "" : " (cut)");
}

class same_answers : public testing::TestWithParam<std::size_t> {
 protected:
  same_answers() { files_.write("a.txt", "contents of a"); }
  template <class Server>
  std::unique_ptr<Server> made() {
    return std::make_unique<Server>([this](auto& s) { add_features(s, files_); });
  }
  const sample what_ = samples().at(GetParam());
  temporary_directory files_;
};

TEST_P(same_answers, of_a_watched_server_to_the_byte) {
  const auto stock = made<stock_server>();
  const auto watched = made<watched_server>();
  EXPECT_EQ(raw(watched->connect(), what_.request), raw(stock->connect(), what_.request))
      << what_.what;
  stock->stop();
  watched->stop();
  EXPECT_EQ(watched->at.text(), stock->at.text()) << what_.what;
  EXPECT_EQ(watched->logged.text(), stock->logged.text()) << what_.what;
}

TEST_P(same_answers, of_a_hosted_server_in_meaning) {
  const auto hosted = made<hosted_server>();
  const auto got = meaning(hosted->connect(), what_.request);
  if (what_.hosted != 0) {
    EXPECT_EQ(got.substr(0, got.find('\n')), std::to_string(what_.hosted)) << what_.what;
    return;
  }
  if (what_.hosted_body != nullptr) {
    EXPECT_TRUE(got.ends_with(what_.hosted_body)) << what_.what << got;
    return;
  }
  const auto stock = made<stock_server>();
  EXPECT_EQ(got, meaning(stock->connect(), what_.request)) << what_.what;
  stock->stop();
  hosted->stop();
  EXPECT_EQ(hosted->at.text(), stock->at.text()) << what_.what;
  EXPECT_EQ(hosted->logged.text(), stock->logged.text()) << what_.what;
}

class same_answers_natively : public same_answers {};
TEST_P(same_answers_natively, of_the_native_server_in_status_type_and_body) {
  native_server native;
  const auto stock = made<stock_server>();
  constexpr auto what = compared::what_native_has;
  EXPECT_EQ(meaning(native.connect(), what_.request, what),
            meaning(stock->connect(), what_.request, what))
      << what_.what;
}

INSTANTIATE_TEST_SUITE_P(to, same_answers_natively, testing::ValuesIn(samples_for_native()));
INSTANTIATE_TEST_SUITE_P(to, same_answers, testing::Range(std::size_t{0}, samples().size()));

}  // namespace
}  // namespace hangup::wire
