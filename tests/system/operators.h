// What the tests of operators' pages share: a program without a database, and questions to it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/client.h"
#include "tests/support/eventually.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"

namespace hangup::system_test {

class operators : public ::testing::Test {
 protected:
  using json = nlohmann::json;
  using words = std::vector<std::string>;

  inline static const std::string token = "0123456789abcdef0123456789abcdef";
  // A request that runs until it is ended.
  inline static const std::string sim = "/query/sim?rows=100000&row_ms=50";

  // Without a database.
  std::string config(json settings = json::object()) const {
    settings["databases"] = json::object();
    settings["search"] = {{"root", ""}};
    return folder.write("server.json", settings.dump());
  }
  std::string token_file(const std::string& text = token + "\n") const {
    return folder.write("token", text);
  }
  static words flags(const words& more, const std::string& config) {
    words all = {"--config", config};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  static std::string asking(const std::string& method, const std::string& target,
                            const std::string& headers = {},
                            const std::string& host = "127.0.0.1") {
    return method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + headers + "\r\n";
  }
  static int status(std::uint16_t port, const std::string& request) {
    return client(port).ask(request).status;
  }
  static json body_of(const answer& a) { return json::parse(a.body, nullptr, false); }

  // Requests in flight of this route, once there are so many.
  static json running(std::uint16_t port, const std::string& route, std::size_t count) {
    json found;
    EXPECT_TRUE(eventually([&] {
      found = body_of(client(port).ask(asking("GET", "/requests?route=" + route)))["in_flight"];
      return found.size() == count;
    })) << found;
    return found;
  }

  const test::temporary_directory folder;
};

}  // namespace hangup::system_test
