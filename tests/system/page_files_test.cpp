// The files of the live page, as curl sees them, and a picture of it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/system/live_page.h"

namespace hangup::system_test {
namespace {

// With PAGE_SCREENSHOT=docs/live-page.png it makes the one that README.md shows.
TEST_F(live_page, makes_a_picture_of_itself) {
  const temporary_directory folder;
  const auto* const named = std::getenv("PAGE_SCREENSHOT");
  const std::string file = named != nullptr ? named : folder / "page.png";
  const auto tab = open();
  resize(tab, 1280, 620);
  for (const auto* const name :
       {"Spin, not looking", "Simulated query", "A hopeless join", "Search, read slowly"}) {
    press(tab, std::string("Start: ") + name);
  }
  ASSERT_TRUE(holds(tab, "document.querySelectorAll('.lane').length >= 4"));
  value(tab, "new Promise(done => setTimeout(done, 1500))");
  for (const auto* const name : {"Spin, not looking", "A hopeless join"}) {
    press(tab, std::string("Hang up: ") + name);
  }
  EXPECT_TRUE(lane_says(tab, "report=cross", "stopped in "));
  value(tab, lane("look=0") + ".querySelector('.name').focus({preventScroll: true})");
  value(tab, "new Promise(done => setTimeout(done, 1500))");
  const auto shot = browser_->command(tab, "Page.captureScreenshot", {{"format", "png"}});
  ASSERT_TRUE(shot.contains("data")) << shot.dump();
  const auto encoded = folder.write("page.base64", shot["data"].get<std::string>());
  EXPECT_EQ(run({"sh", "-c", R"(base64 -d <"$1" >"$2")", "sh", encoded, file}).exit, 0);
  EXPECT_GT(std::filesystem::file_size(file), 10'000U);
  EXPECT_LT(std::filesystem::file_size(file), 150'000U);
}

// As curl sees it.
TEST(live_page_files, are_sent_with_a_strict_policy_and_are_small) {
  shop f;
  f.settings["databases"] = nlohmann::json::object();
  const server s({"--config", f.config()});
  const std::vector<std::string> as_browser = {"-i", "-H",
                                               "Accept: text/html,application/xhtml+xml,*/*;q=0.8"};
  const auto page = s.curl("/", as_browser).output;
  EXPECT_TRUE(page.starts_with("HTTP/1.1 200 ")) << page;
  for (const auto* const header :
       {"Content-Type: text/html; charset=utf-8", "Vary: Accept", "Cache-Control: no-cache",
        "X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer",
        "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
        "connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"}) {
    EXPECT_NE(page.find(std::string("\r\n") + header + "\r\n"), std::string::npos) << header;
  }
  const auto type_for = [&](const std::string& accept) {
    return s.curl("/", {"-o", "/dev/null", "-w", "%{content_type}", "-H", "Accept: " + accept})
        .output;
  };
  const std::string html = "text/html; charset=utf-8";
  const std::string plain = "text/plain; charset=utf-8";
  EXPECT_EQ(type_for("text/html"), html);
  EXPECT_EQ(type_for("text/html, */*"), html) << "the more exact name";
  EXPECT_EQ(type_for("*/*"), plain);
  EXPECT_EQ(type_for("text/*"), plain);
  EXPECT_EQ(type_for("text/html;q=0.5, */*"), plain);
  EXPECT_EQ(type_for("text/*;q=0.9, application/json;q=0.1"), plain);
  EXPECT_EQ(type_for("application/json"), "application/json");
  EXPECT_EQ(type_for("application/*"), "application/json");
  EXPECT_EQ(type_for("application/json, text/plain, */*"), "application/json");
  std::size_t all = page.size();
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator("server/page")) {
    if (entry.path().filename() == "index.html") {
      continue;
    }
    const auto target = "/page/" + entry.path().stem().string();
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    EXPECT_EQ(s.curl(target).output, text.str()) << target;
    all += text.str().size();
    ++files;
    const auto head = s.curl(target, {"-I"}).output;
    const auto tag = head.substr(head.find("ETag: ") + 6, 18);
    EXPECT_EQ(
        s.curl(target, {"-o", "/dev/null", "-w", "%{http_code}", "-H", "If-None-Match: " + tag})
            .output,
        "304")
        << head;
  }
  EXPECT_GT(files, 10);
  EXPECT_LT(all, 100'000U);
  EXPECT_EQ(s.curl("/page/nothing", {"-o", "/dev/null", "-w", "%{http_code}"}).output, "404");
}

}  // namespace
}  // namespace hangup::system_test
