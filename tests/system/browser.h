// Chromium and Firefox without a window, each in a profile of its own, driven as their developers'
// tools drive them. All that is done to a tab returns when the browser has taken it, not when a
// page is there.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

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
  // What an expression of JavaScript is in the page, or what its promise becomes; null if there is
  // no page at this moment.
  virtual nlohmann::json value_of(const std::string& tab, const std::string& expression) = 0;
};

// Chromium, with what only its tools can do.
class chromium : public browser {
 public:
  // A command of the DevTools protocol to a tab, and its result.
  virtual nlohmann::json command(const std::string& tab, const std::string& method,
                                 const nlohmann::json& with) = 0;
  // A new tab whose errors are kept.
  virtual std::string open_watched_tab() = 0;
  // What watched tabs have had so far: exceptions, errors in the console, what was refused by a
  // policy. "network: " is before what only says that a request has failed.
  virtual const std::vector<std::string>& errors() const = 0;
};

std::unique_ptr<chromium> start_chromium();

// "chromium" or "firefox-esr", started. Throws std::runtime_error if it cannot be spoken to.
std::unique_ptr<browser> start_browser(const std::string& name);

}  // namespace hangup::system_test
