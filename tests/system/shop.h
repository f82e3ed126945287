// A folder of the test's own with a configuration: the databases that are shipped, with a sample
// that is small. Removed at the end.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/temporary_directory.h"

namespace hangup::system_test {

class shop : public test::temporary_directory {
 public:
  shop() {
    std::ifstream shipped("config/server.json");
    settings["databases"] = nlohmann::json::parse(shipped)["databases"];
    sqlite()["file"] = *this / "shop.db";
    sqlite()["sample_rows"] = 20'000;
  }
  nlohmann::json& sqlite() { return settings["databases"]["sqlite"]; }
  // The file with the settings as they are now.
  std::string config() const { return write("server.json", settings.dump(2)); }

  nlohmann::json settings;
};

}  // namespace hangup::system_test
