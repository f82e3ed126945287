// The live page starts requests, hangs up on them, and shows what becomes of them.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/system/live_page.h"

namespace hangup::system_test {
namespace {

TEST_F(live_page, shows_a_request_that_it_starts_and_how_soon_the_work_stops_when_it_hangs_up) {
  const auto tab = open();
  const std::string target = "/query/sim?rows=200&row_ms=100";
  press(tab, "Start: Simulated query");
  EXPECT_TRUE(lane_says(tab, target, "runs")) << words_of(tab, target);
  press(tab, "Hang up: Simulated query");
  EXPECT_TRUE(lane_says(tab, target, "stopped in ")) << words_of(tab, target);
  EXPECT_TRUE(lane_says(tab, target, "client "));
  const auto line = site_->program.line_with(" " + target + " ");
  EXPECT_NE(line.find(" 499 client_"), std::string::npos) << line;
  EXPECT_TRUE(
      holds(tab, "document.getElementById('said').textContent.includes('the work stopped in ')"));
  EXPECT_TRUE(holds(tab, lane(target) + ".querySelector('.mark').checkVisibility()"))
      << "where the context ended";
  EXPECT_EQ(errors(), "");
}

TEST_F(live_page, shows_work_that_goes_on_after_the_hang_up) {
  const auto tab = open();
  press(tab, "Start: Spin, not looking");
  EXPECT_TRUE(lane_says(tab, "look=0", "runs"));
  press(tab, "Hang up: Spin, not looking");
  EXPECT_TRUE(lane_says(tab, "look=0", "still runs")) << words_of(tab, "look=0");
  EXPECT_TRUE(holds(tab, lane("look=0") + ".querySelector('.part[data-kind=stopping]')"));
  const auto has_stopped = [&] { return lane_says(tab, "look=0", "stopped in "); };
  EXPECT_TRUE(has_stopped() || has_stopped())  // it wants 5 s of a processor that may be busy
      << words_of(tab, "look=0");
  EXPECT_EQ(errors(), "");
}

TEST_F(live_page, shows_the_end_of_what_another_tab_had_asked_for_when_that_is_closed_or_left) {
  const auto watching = open();
  for (const bool close : {true, false}) {
    const auto target = std::string("/query/sim?rows=") + (close ? "301" : "302") + "&row_ms=100";
    const auto leaving = browser_->open_tab();
    browser_->go(leaving, site_->url(target));
    // A tab that is closed before it shows anything may go on loading for a while.
    ASSERT_TRUE(holds(leaving, "document.body?.innerText.includes('customer-1')")) << target;
    browser_->command(watching, "Page.bringToFront", json::object());
    ASSERT_TRUE(holds(watching, lane(target))) << target;
    if (close) {
      browser_->close_tab(leaving);
    } else {
      browser_->go(leaving, site_->url("/healthz"));
    }
    EXPECT_TRUE(lane_says(watching, target, "stopped in ")) << words_of(watching, target);
    EXPECT_TRUE(lane_says(watching, target, "client "));
    const auto line = site_->program.line_with(" " + target + " ");
    EXPECT_NE(line.find(" 499 client_"), std::string::npos) << line;
  }
  EXPECT_EQ(errors(), "");
}

TEST_F(live_page, hangs_up_on_what_it_has_started_when_it_is_left) {
  const auto tab = open();
  press(tab, "Start: Simulated query, as a task");
  ASSERT_TRUE(holds(tab, lane("/query/sim/task")));
  browser_->go(tab, site_->url("/healthz"));
  const auto line = site_->program.line_with(" /query/sim/task");
  EXPECT_NE(line.find(" 499 client_"), std::string::npos) << line;
  const auto watched = site_->program.line_with("/requests/events");
  EXPECT_NE(watched.find(" 499 client_"), std::string::npos) << "no stream is left: " << watched;
}

TEST_F(live_page, offers_all_that_the_server_has_and_says_why_something_cannot_be_tried) {
  const auto tab = open();
  EXPECT_TRUE(holds(tab, "document.querySelectorAll('.try').length === 9"));
  EXPECT_EQ(value(tab, "document.querySelectorAll('.try .start:disabled').length"), 0);
  const auto command = value(tab, "document.querySelector('.try code').textContent");
  EXPECT_EQ(command, "curl -sN '" + site_->url("/query/sim?rows=200&row_ms=100") + "'");

  shop poor;
  poor.settings["databases"] = json::object();
  site_ = std::make_unique<server>(std::vector<std::string>{"--config", poor.config()});
  const auto other = open();
  EXPECT_TRUE(holds(other, "document.querySelectorAll('.try .start:disabled').length >= 3"));
  EXPECT_TRUE(
      holds(other, "document.body.innerText.includes('No database here has the report cross.')"));
  EXPECT_EQ(errors(false), "");
}

TEST_F(live_page, lets_nineteen_of_twenty_leave) {
  const auto tab = open();
  press(tab, "Start: Twenty at once, nineteen leave");
  ASSERT_TRUE(site_->in_flight_until([](const auto& all) {
    return std::count_if(all.begin(), all.end(),
                         [](const auto& r) { return r["route"] == "/query/sim"; }) >= 6;
  })) << "a browser has six connections";
  press(tab, "Hang up on 19: Twenty at once, nineteen leave");
  EXPECT_TRUE(site_->in_flight_until([](const auto& all) {
    return std::count_if(all.begin(), all.end(),
                         [](const auto& r) { return r["route"] == "/query/sim"; }) == 1;
  })) << "one stays";
  EXPECT_EQ(errors(), "");
}

}  // namespace
}  // namespace hangup::system_test
