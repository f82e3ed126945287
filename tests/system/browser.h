// Chromium and Firefox without a window, each in a profile of its own, driven as their developers'
// tools drive them. All that is done to a tab returns when the browser has taken it, not when a
// page is there.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace hangup::system_test {

class browser {
 public:
  virtual ~browser() = default;

  // A new, empty tab.
  virtual std::string open_tab() = 0;
  virtual void close_tab(const std::string& tab) = 0;
  virtual void go(const std::string& tab, const std::string& url) = 0;
  virtual void reload(const std::string& tab) = 0;
  virtual void stop(const std::string& tab) = 0;
  // What an expression of JavaScript is in the page; null if there is no page at this moment.
  virtual nlohmann::json value_of(const std::string& tab, const std::string& expression) = 0;
};

// "chromium" or "firefox-esr", started. Throws std::runtime_error if it cannot be spoken to.
std::unique_ptr<browser> start_browser(const std::string& name);

}  // namespace hangup::system_test
