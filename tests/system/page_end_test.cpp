// The live page ends requests and jobs, also those of other replicas.
#include <gtest/gtest.h>

#include "tests/system/live_page.h"

namespace hangup::system_test {
namespace {

TEST_F(live_page, ends_a_request_after_it_has_asked_and_says_who_has_ended_it) {
  const auto tab = open();
  const std::string target = "/query/sim/task?rows=1&row_ms=600000";
  test::client asking(site_->port());
  ASSERT_TRUE(asking.send(test::get(target)));
  ASSERT_TRUE(holds(tab, lane(target)));

  value(tab, lane(target) + ".querySelector('.end').click()");
  ASSERT_TRUE(holds(tab, "document.getElementById('ask').open"));
  value(tab, "document.querySelector('#ask .no').click()");
  EXPECT_TRUE(holds(tab, "!document.getElementById('ask').open"));

  press_end(tab, target, "too long");
  EXPECT_TRUE(lane_says(tab, target, "ended by an operator at 127.0.0.1:"))
      << words_of(tab, target);
  const auto got = asking.receive();
  EXPECT_EQ(got.status, 503);
  EXPECT_NE(got.body.find("too long"), std::string::npos) << got.body;
  EXPECT_TRUE(holds(tab, "document.getElementById('said').textContent.includes('told to stop')"));
  value(tab, lane(target) + ".querySelector('.name').click()");
  EXPECT_TRUE(
      holds(tab, "document.getElementById('details').innerText.includes('the client 127.0.0.1')"))
      << value(tab, "document.getElementById('details').innerText");
  EXPECT_EQ(errors(), "");
}

TEST_F(live_page, ends_a_job_after_it_has_asked) {
  const auto tab = open();
  press(tab, "Start: A detached job");
  const std::string button = "document.querySelector('#jobs button[aria-label^=\"End job\"]')";
  ASSERT_TRUE(holds(tab, button));
  value(tab, button + ".click()");
  ASSERT_TRUE(holds(tab, "document.getElementById('ask').open"));
  value(tab, "document.querySelector('#ask .yes').click()");
  EXPECT_TRUE(holds(tab, "document.querySelector('#jobs tbody')?.innerText.includes('canceled')"));
  EXPECT_EQ(errors(), "");
}

TEST_F(live_page, shows_the_requests_of_other_replicas_and_ends_them_there) {
  shop_with_all second;
  const auto first = std::move(site_);
  const auto own = std::to_string(server(flags()).port());
  second.settings["admin"]["peers"] = {"127.0.0.1:" + std::to_string(first->port()),
                                       "127.0.0.1:" + own, "127.0.0.1:1"};
  site_ = std::make_unique<server>(
      std::vector<std::string>{"--config", second.config(), "--port", own});
  test::client asking(first->port());
  ASSERT_TRUE(asking.send(test::get("/query/sim/task?rows=1&row_ms=600000")));
  const auto tab = open();
  EXPECT_TRUE(holds(tab,
                    "document.querySelector('#replicas ul').innerText.includes("
                    "'127.0.0.1:1 does not answer')"));
  const std::string button = "document.querySelector('#replicas tbody button')";
  ASSERT_TRUE(holds(tab, button));
  EXPECT_EQ(value(tab, "document.querySelectorAll('#replicas tbody tr').length"), 1)
      << "what the page asks for by itself is not among them";
  value(tab, button + ".focus()");
  value(tab, "document.querySelector('#replicas td:nth-child(5)').textContent = 'before'");
  EXPECT_TRUE(
      holds(tab, "document.querySelector('#replicas td:nth-child(5)').textContent !== 'before'"))
      << "it has been asked for again";
  EXPECT_EQ(value(tab, "document.activeElement === " + button), true);
  EXPECT_EQ(value(tab,
                  "[...document.querySelectorAll('.lane')].some(l => "
                  "/GET \\/(page\\/.*|query|)$/.test(l.querySelector('.name').textContent))"),
            false)
      << "the files of the page are no requests to look at";
  value(tab, button + ".click()");
  ASSERT_TRUE(holds(tab, "document.getElementById('ask').open"));
  value(tab, "document.querySelector('#ask .yes').click()");
  EXPECT_EQ(asking.receive().status, 503);
  EXPECT_EQ(errors(), "");
}

TEST_F(live_page, shows_of_the_replicas_what_it_understands_and_says_what_it_does_not) {
  site_.reset();
  shop_.settings["admin"]["peers"] = {"127.0.0.1:1"};
  site_ = std::make_unique<server>(std::vector<std::string>{"--config", shop_.config()});
  const auto tab = open();
  const std::string said = "document.querySelector('#replicas ul').innerText";
  EXPECT_TRUE(holds(tab, said +
                             ".includes('The replicas are not known: 502 Bad Gateway: no replica "
                             "has answered; 127.0.0.1:1: no connection')"));
  // As another version may answer; each time that it is asked anew.
  value(tab, R"js(window.answers = {replicas: [
    {replica: "a", error: null, total: "x", in_flight: 5},
    null,
    {replica: "b", error: 7, in_flight: [null, 5, {}]},
    {replica: "c", error: null, total: 2, in_flight: [
      {number: 1, key: "c-1", id: "one", route: "/spin", method: "GET", target: "/spin"},
      {number: 1, key: "c-1", id: "one", route: "/spin", method: "GET", target: "/spin"}]}]};
    window.asked = window.fetch;
    window.fetch = (what, how) => String(what).startsWith("/replicas/")
      ? Promise.resolve(new Response(JSON.stringify(window.answers))) : window.asked(what, how);
    0)js");
  EXPECT_TRUE(holds(tab, said + ".includes('c: 2 in flight')"));
  EXPECT_EQ(value(tab, said), "a: some in flight\nb does not answer: 7\nc: 2 in flight");
  const std::string rows = "[...document.querySelectorAll('#replicas tbody tr')]";
  EXPECT_EQ(value(tab, rows + ".length"), 1);
  // It has begun anew, with the same numbers.
  value(tab, R"js(window.answers.replicas[3].in_flight = [
    {number: 1, key: "c-1", id: "other", route: "/spin", method: "GET", target: "/other"}]; 0)js");
  EXPECT_TRUE(holds(tab, rows + "[0].innerText.includes('/other')"));
  EXPECT_EQ(value(tab, rows + ".length"), 1);
  EXPECT_EQ(errors(false), "");
}

}  // namespace
}  // namespace hangup::system_test
