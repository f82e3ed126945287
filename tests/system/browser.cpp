#include "tests/system/browser.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>

#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

using nlohmann::json;

// Two descriptors to a browser; reads that wait for a limited time.
class line_to {
 public:
  line_to(int in, int out) : in_(in), out_(out) {}
  explicit line_to(int both) : line_to(both, both) {}
  ~line_to() {
    ::close(out_);
    if (in_ != out_) {
      ::close(in_);
    }
  }
  line_to(const line_to&) = delete;
  line_to& operator=(const line_to&) = delete;

  void send(std::string_view text) const {
    while (!text.empty()) {
      const auto n = ::write(out_, text.data(), text.size());
      if (n <= 0) {
        throw std::runtime_error("the browser does not listen");
      }
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  // What comes before the next such byte.
  std::string until(char end) {
    std::size_t at = 0;
    while ((at = got_.find(end)) == std::string::npos) {
      more();
    }
    return taken(at, 1);
  }
  std::string bytes(std::size_t count) {
    while (got_.size() < count) {
      more();
    }
    return taken(count, 0);
  }

 private:
  void more() {
    pollfd ready{in_, POLLIN, 0};
    const auto limit = std::chrono::milliseconds(patience).count();
    char buffer[65536];
    const auto n = ::poll(&ready, 1, static_cast<int>(limit)) == 1
                       ? ::read(in_, buffer, sizeof buffer)
                       : ssize_t{0};
    if (n <= 0) {
      throw std::runtime_error("the browser does not answer");
    }
    got_.append(buffer, static_cast<std::size_t>(n));
  }
  std::string taken(std::size_t count, std::size_t end) {
    auto text = got_.substr(0, count);
    got_.erase(0, count + end);
    return text;
  }

  int in_;
  int out_;
  std::string got_;
};

// The DevTools protocol, over two pipes: JSON, each with a NUL behind it.
class chromium_by_pipe final : public chromium {
 public:
  chromium_by_pipe()
      : program_(command()), to_(opened("in", O_WRONLY)), line_(opened("out", O_RDONLY), to_) {
    call("", "Browser.getVersion");
  }
  ~chromium_by_pipe() override {
    try {
      call("", "Browser.close");
    } catch (const std::exception&) {  // then it is killed
    }
    program_.wait();
  }

  std::string open_tab() override {
    const auto target = call("", "Target.createTarget", {{"url", "about:blank"}});
    const auto attached =
        call("", "Target.attachToTarget", {{"targetId", target.at("targetId")}, {"flatten", true}});
    return attached.at("sessionId").get<std::string>() + " " +
           target.at("targetId").get<std::string>();
  }
  void close_tab(const std::string& tab) override {
    call("", "Target.closeTarget", {{"targetId", tab.substr(tab.find(' ') + 1)}});
  }
  // Its answer comes with the head of the page's, which may be never.
  void go(const std::string& tab, const std::string& url) override {
    tell(tab, "Page.navigate", {{"url", url}});
  }
  void reload(const std::string& tab) override { tell(tab, "Page.reload", json::object()); }
  void stop(const std::string& tab) override { call(tab, "Page.stopLoading"); }
  json value_of(const std::string& tab, const std::string& expression) override {
    const auto said =
        call(tab, "Runtime.evaluate",
             {{"expression", expression}, {"returnByValue", true}, {"awaitPromise", true}});
    return said.value("/result/value"_json_pointer, json());
  }

  json command(const std::string& tab, const std::string& method, const json& with) override {
    return call(tab, method.c_str(), with);
  }
  std::string open_watched_tab() override {
    auto tab = open_tab();
    for (const auto* const domain : {"Runtime.enable", "Log.enable", "Page.enable"}) {
      call(tab, domain);
    }
    return tab;
  }
  const std::vector<std::string>& errors() const override { return errors_; }

 private:
  std::vector<std::string> command() const {
    for (const auto* name : {"in", "out"}) {
      if (::mkfifo((home_ / name).c_str(), 0600) != 0) {
        throw std::runtime_error("mkfifo");
      }
    }
    return {"sh",
            "-c",
            R"(dir=$1; shift; exec chromium "$@" 3<"$dir/in" 4>"$dir/out")",
            "sh",
            home_.path(),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
            "--remote-debugging-pipe",
            "--user-data-dir=" + (home_ / "profile")};
  }
  // The shell opens them in the same order; opening one end waits for the other.
  int opened(const char* name, int how) const {
    return ::open((home_ / name).c_str(), how | O_CLOEXEC);
  }
  int tell(const std::string& tab, const char* method, const json& with) {
    json message = {{"id", ++last_}, {"method", method}, {"params", with}};
    if (!tab.empty()) {
      message["sessionId"] = tab.substr(0, tab.find(' '));
    }
    line_.send(message.dump() + '\0');
    return last_;
  }
  json call(const std::string& tab, const char* method, const json& with = json::object()) {
    const int id = tell(tab, method, with);
    for (;;) {
      const auto message = json::parse(line_.until('\0'));
      if (message.value("id", 0) == id) {
        return message.value("result", json::object());
      }
      keep_error(message);
    }
  }
  void keep_error(const json& event) {
    const auto method = event.value("method", "");
    if (method == "Runtime.exceptionThrown") {
      errors_.push_back(event.dump());
    } else if (method == "Runtime.consoleAPICalled" && event["params"]["type"] == "error") {
      errors_.push_back(event["params"]["args"].dump());
    } else if (method == "Log.entryAdded" && event["params"]["entry"]["level"] == "error") {
      const auto& entry = event["params"]["entry"];
      errors_.push_back(entry["source"].get<std::string>() + ": " +
                        entry["text"].get<std::string>() + " " + entry.value("url", ""));
    }
  }

  temporary_directory home_;
  process program_;
  std::vector<std::string> errors_;
  int to_;
  line_to line_;
  int last_ = 0;
};

// Marionette over TCP: JSON, each with its length before it.
class firefox final : public browser {
 public:
  firefox() : program_(command()), line_(connected()) {
    receive();  // it introduces itself
    // "none": a call does not wait for a page to load, as far as that goes.
    call("WebDriver:NewSession",
         {{"capabilities", {{"alwaysMatch", {{"pageLoadStrategy", "none"}}}}}});
    first_ = call("WebDriver:GetWindowHandle").at("value").get<std::string>();
  }
  ~firefox() override {
    try {
      call("Marionette:Quit", {{"flags", {"eForceQuit"}}});
    } catch (const std::exception&) {  // then it is killed
    }
    program_.wait();
  }

  std::string open_tab() override {
    in(first_);  // the one it is in may have been closed
    return call("WebDriver:NewWindow", {{"type", "tab"}}).at("handle").get<std::string>();
  }
  void close_tab(const std::string& tab) override {
    in(tab);
    call("WebDriver:CloseWindow");
  }
  // WebDriver:Navigate and :Refresh wait for a page that streams until its end.
  void go(const std::string& tab, const std::string& url) override {
    value_of(tab, "setTimeout(() => { location = '" + url + "'; })");
  }
  void reload(const std::string& tab) override {
    value_of(tab, "setTimeout(() => location.reload())");
  }
  void stop(const std::string& tab) override { value_of(tab, "window.stop()"); }
  json value_of(const std::string& tab, const std::string& expression) override {
    in(tab);
    return call("WebDriver:ExecuteScript",
                {{"script", "return " + expression}, {"args", json::array()}})
        .value("value", json());
  }

 private:
  std::vector<std::string> command() const {
    std::ofstream settings(home_ / "user.js");
    settings << "user_pref(\"marionette.port\", 0);\n";
    for (const auto* name :
         {"app.update.enabled", "app.normandy.enabled",
          "datareporting.policy.dataSubmissionEnabled", "toolkit.telemetry.enabled",
          "network.captive-portal-service.enabled", "network.connectivity-service.enabled",
          "browser.safebrowsing.malware.enabled", "browser.safebrowsing.phishing.enabled",
          "extensions.update.enabled", "browser.region.update.enabled"}) {
      settings << "user_pref(\"" << name << "\", false);\n";
    }
    settings << "user_pref(\"network.proxy.type\", 0);\n";
    return {"firefox-esr", "--headless", "--marionette", "--no-remote", "--profile", home_.path()};
  }
  int connected() {
    const auto line = program_.line_with("Listening on port ", 60s);
    if (line.empty()) {
      throw std::runtime_error("Firefox did not start: " + program_.output());
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(' ') + 1))));
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      throw std::runtime_error("connect");
    }
    return fd;
  }
  void in(const std::string& tab) { call("WebDriver:SwitchToWindow", {{"handle", tab}}); }
  json receive() { return json::parse(line_.bytes(std::stoul(line_.until(':')))); }
  // Null if it was refused, as a script is while there is no page.
  json call(const char* name, const json& with = json::object()) {
    const auto message = json::array({0, ++last_, name, with}).dump();
    line_.send(std::to_string(message.size()) + ":" + message);
    const auto answer = receive();
    return answer.at(3).is_object() ? answer.at(3) : json::object();
  }

  temporary_directory home_;
  process program_;
  line_to line_;
  std::string first_;  // the tab that it has begun with
  int last_ = 0;
};

}  // namespace

std::unique_ptr<chromium> start_chromium() {
  return std::make_unique<chromium_by_pipe>();
}

std::unique_ptr<browser> start_browser(const std::string& name) {
  if (name == "chromium") {
    return start_chromium();
  }
  return std::make_unique<firefox>();
}

}  // namespace hangup::system_test
