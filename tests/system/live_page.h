// The live page in a real Chromium: what its tests share.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/needs.h"
#include "tests/system/browser.h"
#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {

// A JavaScript string with this text.
inline std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true);
}

class shop_with_all : public shop {
 public:
  shop_with_all() {
    settings["search"] = {{"root", "docs"}};
    settings["spin"] = {{"allow_deaf", true}};
  }
};

class live_page : public testing::Test {
 protected:
  using json = nlohmann::json;

  void SetUp() override {
    needs({program("chromium")});
    site_ = std::make_unique<server>(flags());
    browser_ = start_chromium();
  }
  virtual std::vector<std::string> flags() { return {"--config", shop_.config()}; }

  std::string open() {
    auto tab = browser_->open_watched_tab();
    browser_->go(tab, site_->url("/"));
    EXPECT_TRUE(holds(tab, "document.getElementById('connection')?.dataset.state === 'connected'"))
        << errors();
    return tab;
  }
  json value(const std::string& tab, const std::string& expression) const {
    return browser_->value_of(tab, expression);
  }
  // Waits until the expression is true in the tab.
  bool holds(const std::string& tab, const std::string& expression) const {
    return eventually([&] { return value(tab, "Boolean(" + expression + ")") == true; }, 20ms);
  }
  // Presses what has this label, once it is there and can be pressed.
  void press(const std::string& tab, const std::string& label) const {
    const auto button = "document.querySelector('button[aria-label=" + quoted(label) + "]')";
    ASSERT_TRUE(holds(tab, button + " && !" + button + ".disabled")) << label;
    value(tab, button + ".click()");
  }
  // The lane whose target contains the text, else undefined.
  static std::string lane(const std::string& target) {
    return "[...document.querySelectorAll('.lane')].find(l => "
           "l.querySelector('.target').textContent.includes(" +
           quoted(target) + "))";
  }
  // Waits until the words behind the lane contain this.
  bool lane_says(const std::string& tab, const std::string& target,
                 const std::string& words) const {
    return holds(tab, lane(target) + "?.querySelector('.words').textContent.includes(" +
                          quoted(words) + ")");
  }
  std::string words_of(const std::string& tab, const std::string& target) const {
    const auto said = value(tab, lane(target) + "?.querySelector('.words').textContent");
    return said.is_string() ? said.get<std::string>() : "no lane";
  }
  void press_end(const std::string& tab, const std::string& target, const std::string& reason) {
    ASSERT_TRUE(holds(tab, lane(target))) << target;
    value(tab, lane(target) + ".querySelector('.end').click()");
    ASSERT_TRUE(holds(tab, "document.getElementById('ask').open"));
    value(tab, "document.querySelector('#ask input').value = " + quoted(reason));
    value(tab, "document.querySelector('#ask .yes').click()");
  }

  // Those that are no consequence of a request that failed, which some tests mean to see.
  std::string errors(bool of_network_too = true) const {
    std::string all;
    for (const auto& e : browser_->errors()) {
      if (of_network_too || !e.starts_with("network: ")) {
        all += e + "\n";
      }
    }
    return all;
  }
  void resize(const std::string& tab, int width, int height) const {
    browser_->command(
        tab, "Emulation.setDeviceMetricsOverride",
        {{"width", width}, {"height", height}, {"deviceScaleFactor", 1}, {"mobile", false}});
  }
  // At the sizes of a telephone, a desk and a wall, in light and dark.
  void at_all_sizes(const std::string& tab, const std::function<void(int width)>& look) {
    press(tab, "Start: Simulated query");
    ASSERT_TRUE(holds(tab, lane("/query/sim")));
    value(tab, lane("/query/sim") + ".querySelector('.name').focus()");
    ASSERT_TRUE(holds(tab, "document.querySelector('#pools td')"));
    for (const auto* const colours : {"light", "dark"}) {
      SCOPED_TRACE(colours);
      prefer(tab, "prefers-color-scheme", colours);
      for (const auto& [width, height] : {std::pair(360, 640), {1400, 900}, {3840, 2160}}) {
        resize(tab, width, height);
        EXPECT_TRUE(holds(tab, "innerWidth === " + std::to_string(width)));
        look(width);
      }
    }
    EXPECT_EQ(errors(), "");
  }
  void prefer(const std::string& tab, const char* feature, const char* what) const {
    browser_->command(tab, "Emulation.setEmulatedMedia",
                      {{"features", {{{"name", feature}, {"value", what}}}}});
  }

  shop_with_all shop_;
  std::unique_ptr<server> site_;
  std::unique_ptr<chromium> browser_;
};

}  // namespace hangup::system_test
