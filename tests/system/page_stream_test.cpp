// The stream of the live page ends and comes back.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "tests/system/live_page.h"

namespace hangup::system_test {
namespace {

TEST_F(live_page, ends_its_stream_while_nobody_sees_it_and_comes_back_when_somebody_does) {
  const auto tab = open();
  const auto other = browser_->open_tab();
  browser_->command(other, "Page.bringToFront", json::object());
  ASSERT_TRUE(holds(tab, "document.hidden"));
  const auto line = site_->program.line_with("/requests/events");
  EXPECT_NE(line.find(" 499 client_"), std::string::npos) << line;
  EXPECT_EQ(value(tab, "document.getElementById('lost').hidden"), true);
  browser_->command(tab, "Page.bringToFront", json::object());
  EXPECT_TRUE(holds(tab, "document.getElementById('connection').dataset.state === 'connected'"));
  EXPECT_EQ(errors(), "");
}

TEST_F(live_page, says_that_the_connection_is_lost_and_comes_back_by_itself) {
  const auto tab = open();
  const auto port = std::to_string(site_->port());
  EXPECT_EQ(value(tab, "document.getElementById('lost').checkVisibility()"), false);
  site_.reset();
  EXPECT_TRUE(holds(tab, "document.getElementById('lost').checkVisibility()"));
  process again({HANGUP_BINARY, "--config", shop_.config(), "--port", port});
  ASSERT_NE(again.line_with(" listens on "), "") << again.output();
  EXPECT_TRUE(holds(tab, "document.getElementById('connection').dataset.state === 'connected'"));
  EXPECT_TRUE(holds(tab, "!document.getElementById('lost').checkVisibility()"));
  press(tab, "Start: Spin, looking");
  EXPECT_TRUE(lane_says(tab, "/spin", "runs")) << "it shows the new server";
  EXPECT_EQ(errors(false), "");
}

TEST_F(live_page, shows_what_another_server_has_in_flight_when_it_comes_back) {
  const auto tab = open();
  const auto port = std::to_string(site_->port());
  press(tab, "Start: Simulated query, as a task");
  ASSERT_TRUE(holds(tab, lane("/query/sim/task?rows=200")));
  value(tab, lane("/query/sim/task?rows=200") + ".querySelector('.end').click()");
  ASSERT_TRUE(holds(tab, "document.getElementById('ask').open"));
  site_.reset();
  EXPECT_TRUE(holds(tab, "document.getElementById('lost').checkVisibility()"));
  process again({HANGUP_BINARY, "--config", shop_.config(), "--port", port});
  ASSERT_NE(again.line_with(" listens on "), "") << again.output();
  test::client asking(static_cast<std::uint16_t>(std::stoi(port)));
  ASSERT_TRUE(asking.send(test::get("/query/sim/task?rows=1&row_ms=600000")));
  EXPECT_TRUE(lane_says(tab, "rows=1&", "runs")) << words_of(tab, "rows=1&");
  EXPECT_TRUE(holds(tab, "!(" + lane("rows=200") + ")")) << "those of the one before are gone";
  // Its number may be that of a request of the new one.
  EXPECT_TRUE(holds(tab, "!document.getElementById('ask').open")) << "and so is the question";
  EXPECT_EQ(errors(false), "");
}

// Longer than the server goes on making events when nobody looks.
TEST_F(live_page, shows_what_began_while_it_was_long_hidden) {
  const auto tab = open();
  const std::string target = "/query/sim/task?rows=1&row_ms=600000";
  const auto other = browser_->open_tab();
  browser_->command(other, "Page.bringToFront", json::object());
  ASSERT_NE(site_->program.line_with("/requests/events"), "") << "its stream is over";
  std::this_thread::sleep_for(12s);
  test::client asking(site_->port());
  ASSERT_TRUE(asking.send(test::get(target)));
  ASSERT_TRUE(site_->in_flight_until([](const auto& all) {
    return std::any_of(all.begin(), all.end(),
                       [](const auto& r) { return r["route"] == "/query/sim/task"; });
  }));
  browser_->command(tab, "Page.bringToFront", json::object());
  EXPECT_TRUE(lane_says(tab, target, "runs")) << words_of(tab, target);
  asking.close();
  EXPECT_TRUE(lane_says(tab, target, "stopped in ") || holds(tab, "!(" + lane(target) + ")"))
      << words_of(tab, target);
  EXPECT_EQ(errors(), "");
}

}  // namespace
}  // namespace hangup::system_test
