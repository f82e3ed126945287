// "The user closes the tab", with the browsers that people have: whatever is done to a tab that
// waits for an answer or shows one, the server hears it and the work stops.
#include "tests/system/browser.h"
#include "tests/support/needs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

// A server whose deadlines are far away: what ends a request here is the client.
class patient_shop : public shop {
 public:
  patient_shop() {
    sqlite()["deadline_ms"] = 120'000;
    // A row takes as long as a look at all the items does: the answer goes on for minutes.
    sqlite()["reports"]["slowly"] = {
        {"description", "Rows that come one by one."},
        {"sql",
         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000) "
         "SELECT i, (SELECT sum(a.cents * i) FROM items a) + "
         "(SELECT sum(b.cents + i) FROM items b) AS sum FROM n"}};
    settings["routes"] = {{"query_sim", {{"deadline_ms", 120'000}}}};
  }
};

class tabs : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    needs({test::program(GetParam())});
    site_.emplace(std::vector<std::string>{"--config", shop_.config()});
    browser_ = start_browser(GetParam());
  }

  void try_every_way_to_leave();
  void try_a_report();
  void try_a_page_that_aborts();

  // The next of the targets, each asked for once.
  std::string next(const std::string& target) {
    return target + "&rows=" + std::to_string(5'000 + ++asked_);
  }
  // A new tab with a page, from which the target has been asked for, and its request runs.
  std::string tab_at(const std::string& target) {
    auto tab = browser_->open_tab();
    browser_->go(tab, site_->url("/healthz"));
    EXPECT_TRUE(shows(tab, "ok"));
    browser_->go(tab, site_->url(target));
    EXPECT_TRUE(runs(target)) << target;
    return tab;
  }
  bool runs(const std::string& target) const {
    return site_->in_flight_until([&target](const auto& all) {
      return std::any_of(all.begin(), all.end(),
                         [&target](const auto& r) { return r["target"] == target; });
    });
  }
  bool shows(const std::string& tab, const std::string& text) const {
    return site_->in_flight_until([&](const auto&) {
      const auto all = browser_->value_of(tab, "document.body ? document.body.innerText : ''");
      return all.is_string() && all.template get<std::string>().find(text) != std::string::npos;
    });
  }
  // The server's log has the end of the request, long before its deadline.
  void expect_left(const std::string& target, const std::string& how) {
    const auto line = site_->program.line_with(" " + target + " ");
    EXPECT_NE(line.find(" 499 client_"), std::string::npos)
        << how << ": " << target << ": " << line;
  }

  patient_shop shop_;
  std::optional<server> site_;
  std::unique_ptr<browser> browser_;
  int asked_ = 0;
};

void tabs::try_every_way_to_leave() {
  struct way {
    const char* name;
    std::function<void(const std::string& tab)> leave;
  };
  const std::vector<way> ways = {
      {"close", [this](const auto& tab) { browser_->close_tab(tab); }},
      {"navigate", [this](const auto& tab) { browser_->go(tab, site_->url("/healthz")); }},
      {"reload", [this](const auto& tab) { browser_->reload(tab); }},
      {"stop", [this](const auto& tab) { browser_->stop(tab); }}};
  for (const auto& [name, leave] : ways) {
    const auto waiting = next("/query/sim?row_ms=60000&stream=0");
    leave(tab_at(waiting));
    expect_left(waiting, std::string(name) + " while it waits");

    const auto streaming = next("/query/sim?row_ms=5");
    const auto shown = tab_at(streaming);
    EXPECT_TRUE(shows(shown, R"("customer":"customer-1")")) << name << ": not shown in the tab";
    leave(shown);
    expect_left(streaming, std::string(name) + " while it streams");
  }
}

// The rows of a report end in the database as well.
void tabs::try_a_report() {
  const std::string report = "/query/sqlite?report=slowly";
  const auto tab = tab_at(report);
  EXPECT_TRUE(shows(tab, R"({"i":1,)"));
  EXPECT_EQ(browser_->value_of(tab, "document.contentType"), "text/plain");
  browser_->close_tab(tab);
  expect_left(report, "close");
  EXPECT_EQ(site_->metric(R"(hangup_queries_total{database="sqlite",end="stopped"})"), 1);
}

// A page that aborts its fetches when it is hidden.
void tabs::try_a_page_that_aborts() {
  const auto rows = next("/query/sim?row_ms=5");
  const auto tab = browser_->open_tab();
  browser_->go(tab, site_->url("/healthz"));
  ASSERT_TRUE(shows(tab, "ok"));
  browser_->value_of(tab, R"((() => {
    const leaving = new AbortController();
    addEventListener("pagehide", () => leaving.abort());
    fetch(")" + rows + R"(", {signal: leaving.signal})
      .then(r => { window.got = r.headers.get("content-type"); return r.text(); })
      .catch(() => {});
    return 1;
  })())");
  ASSERT_TRUE(runs(rows));
  EXPECT_TRUE(site_->in_flight_until([&](const auto&) {
    return browser_->value_of(tab, "window.got") == "application/x-ndjson";
  })) << "a script gets what it asks for";
  browser_->go(tab, site_->url("/healthz?other"));
  expect_left(rows, "navigate");
}

// One test, as a browser takes seconds to start.
TEST_P(tabs, that_are_closed_left_reloaded_or_stopped_end_the_work) {
  try_every_way_to_leave();
  try_a_report();
  try_a_page_that_aborts();
}

INSTANTIATE_TEST_SUITE_P(with, tabs, testing::Values("chromium", "firefox-esr"),
                         [](const auto& with) {
                           return with.param.substr(0, with.param.find('-'));
                         });

}  // namespace
}  // namespace hangup::system_test
