// A folder of the test's own with a configuration: the databases that are shipped, with a sample
// that is small. Removed at the end.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace hangup::system_test {

class shop {
 public:
  shop() {
    if (::mkdtemp(path_.data()) == nullptr) {
      throw std::runtime_error("mkdtemp");
    }
    std::ifstream shipped("config/server.json");
    settings["databases"] = nlohmann::json::parse(shipped)["databases"];
    sqlite()["file"] = *this / "shop.db";
    sqlite()["sample_rows"] = 20'000;
  }
  ~shop() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  shop(const shop&) = delete;
  shop& operator=(const shop&) = delete;

  nlohmann::json& sqlite() { return settings["databases"]["sqlite"]; }
  // The file with the settings as they are now.
  std::string config() const {
    auto file = *this / "server.json";
    std::ofstream(file) << settings.dump(2);
    return file;
  }
  std::string operator/(const char* name) const { return path_ + "/" + name; }
  const std::string& path() const noexcept { return path_; }

  nlohmann::json settings;

 private:
  std::string path_ = "/tmp/hangup-shop-XXXXXX";
};

}  // namespace hangup::system_test
