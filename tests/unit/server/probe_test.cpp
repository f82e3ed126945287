#include "server/probe.h"

#include <gtest/gtest.h>

#include "server/config_document.h"

namespace hangup::server {
namespace {

std::string refusal_of(const std::string& url) {
  try {
    probe(url);
  } catch (const config_error& e) {
    return e.what();
  }
  return "no error";
}

TEST(probe, what_is_no_url_is_refused) {
  for (const std::string url :
       {"", "x", "127.0.0.1:8080/readyz", "/readyz", "http://", "ftp://127.0.0.1/",
        "file:///etc/passwd", "http://[::1", "http://a b/", "http://127.0.0.1:99999/",
        "http://127.0.0.1:x/", "http://a/\nb", "unix:", "unix::/readyz", "unix:@", "unix:@:/readyz",
        "unix:/s:/a b"}) {
    const auto wrong = refusal_of(url);
    EXPECT_TRUE(wrong.starts_with("--probe: found \"")) << url << ": " << wrong;
    EXPECT_TRUE(
        wrong.ends_with(", allowed one such as http://127.0.0.1:8080/readyz or "
                        "unix:/run/hangup.sock:/readyz"))
        << wrong;
    EXPECT_EQ(wrong.find('\n'), std::string::npos) << wrong;
  }
}

TEST(probe, a_password_is_refused_and_not_shown) {
  EXPECT_EQ(refusal_of("http://me:s3cret@127.0.0.1:1/"),
            "--probe: found a URL with a user, allowed one such as http://127.0.0.1:8080/readyz or "
            "unix:/run/hangup.sock:/readyz");
}

}  // namespace
}  // namespace hangup::server
