// The live page of a server that asks for a token.
#include <gtest/gtest.h>

#include "tests/system/live_page.h"

namespace hangup::system_test {
namespace {

class live_page_with_a_token : public live_page {
 protected:
  std::vector<std::string> flags() override {
    shop_.settings["admin"]["token_file"] = shop_.write("token", token + "\n");
    return live_page::flags();
  }
  void enter(const std::string& tab, const std::string& text) {
    ASSERT_TRUE(holds(tab, "document.getElementById('token').open"));
    value(tab, "document.querySelector('#token input').value = " + quoted(text));
    value(tab, "document.querySelector('#token .yes').click()");
  }

  const std::string token = "0123456789abcdef0123456789abcdef";
};

TEST_F(live_page_with_a_token, asks_for_it_until_it_is_right_and_keeps_it_in_the_tab) {
  const auto tab = browser_->open_watched_tab();
  browser_->go(tab, site_->url("/"));
  const std::string wrong = "document.querySelector('#token .wrong').checkVisibility()";
  ASSERT_TRUE(holds(tab, "document.getElementById('token')?.open"));
  EXPECT_EQ(value(tab, wrong), false);
  enter(tab, "not the right token at all");
  EXPECT_TRUE(holds(tab, wrong));
  enter(tab, "\xe2\x80\x8b" + token);  // as some programs copy it: no header can carry that
  EXPECT_TRUE(holds(tab, wrong));
  EXPECT_EQ(value(tab, "document.getElementById('token').open"), true);
  enter(tab, token);
  EXPECT_TRUE(holds(tab, "document.getElementById('connection').dataset.state === 'connected'"));
  EXPECT_TRUE(holds(tab, "document.querySelectorAll('.try').length === 9"));
  EXPECT_EQ(value(tab, "document.getElementById('token').open"), false);

  const std::string target = "/query/sim/task?rows=1&row_ms=600000";
  test::client asking(site_->port());
  ASSERT_TRUE(asking.send(test::get(target)));
  press_end(tab, target, "");
  EXPECT_TRUE(lane_says(tab, target, "ended by an operator at 127.0.0.1:"))
      << words_of(tab, target);

  browser_->reload(tab);
  EXPECT_TRUE(holds(tab, "document.getElementById('connection')?.dataset.state === 'connected'"));
  const auto other = browser_->open_watched_tab();
  browser_->go(other, site_->url("/"));
  ASSERT_TRUE(holds(other, "document.getElementById('token')?.open")) << "each tab asks";
  value(other, "document.querySelector('#token .no').click()");
  EXPECT_TRUE(
      holds(other, "document.getElementById('connection').dataset.state === 'needs_token'"));
  EXPECT_TRUE(
      holds(other, "document.getElementById('lost').innerText.includes('asks for a token')"));
  EXPECT_TRUE(holds(other,
                    "document.querySelector('.try .about')?.innerText.includes("
                    "'not known: this server asks for a token')"));
  EXPECT_EQ(value(other, "document.getElementById('token').open"), false) << "it asks once";
  const std::string asked =
      "performance.getEntriesByType('resource').filter(e => !e.name.includes('/page/')).length";
  const auto before = value(other, asked);
  value(other, "new Promise(done => setTimeout(done, 2500))");
  EXPECT_EQ(value(other, asked), before) << "without a token nothing is asked of the server";
  value(other, "document.querySelector('#lost button').click()");
  enter(other, token);
  EXPECT_TRUE(holds(other,
                    "document.querySelectorAll('.try').length === 9 && "
                    "!document.querySelector('.try .start').disabled"));
  EXPECT_EQ(errors(false), "");
}

}  // namespace
}  // namespace hangup::system_test
