// The file search of the running binary: what strangers must not find, and that what is shown can
// be asked for again.
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

std::vector<nlohmann::json> lines_of(const std::string& output) {
  std::vector<nlohmann::json> all;
  std::istringstream in(output);
  for (std::string line; std::getline(in, line);) {
    all.push_back(nlohmann::json::parse(line, nullptr, false));
  }
  return all;
}

TEST(search, with_the_shipped_configuration_finds_texts_and_no_password) {
  const server s({"--config", "config/server.json"});
  const auto found = lines_of(s.curl("/search?pattern=hang%20up%20for%20good").output);
  EXPECT_GT(found.size(), 100U);
  for (const auto* secret : {"conninfo", "password", "BEGIN"}) {
    const auto all = lines_of(s.curl(std::string("/search?pattern=") + secret).output);
    ASSERT_EQ(all.size(), 1U) << secret << ": " << all.front();
    EXPECT_EQ(all.front()["summary"]["skipped"]["kept_out"], 0);
  }
  for (const auto* path : {"../../config/server.json", "../sample.db", "/etc/passwd"}) {
    const auto r =
        s.curl("/search?pattern=e", {"-G", "--data-urlencode", std::string("path=") + path, "-o",
                                     "/dev/null", "-w", "%{http_code}"});
    EXPECT_EQ(r.output, "403") << path;
  }
}

TEST(search, of_a_root_with_the_servers_own_files_leaves_them_out_and_the_log_says_so) {
  shop own;
  const auto folder = own / "";
  std::ofstream(folder + "one") << "a password in a text\n";
  std::ofstream(folder + "two") << "another password\n";
  own.settings["search"]["root"] = folder;
  own.settings["databases"]["pg"] = {{"kind", "postgres"},
                                     {"conninfo", "host=127.0.0.1 port=1 password=s3cret"},
                                     {"reports", {{"one", {{"sql", "SELECT 1"}}}}}};
  const auto config = own.config();
  std::filesystem::create_hard_link(config, folder + "copy.json");
  server s({"--config", config});
  const auto said = s.program.line_with("files of the server's own in it");
  EXPECT_NE(said.find("server.json"), std::string::npos) << said;
  EXPECT_NE(said.find(" warning "), std::string::npos) << said;

  const auto look = [&s] { return lines_of(s.curl("/search?pattern=password").output); };
  const auto all = look();
  EXPECT_EQ(all.size(), 3U) << "the two texts and the summary";
  EXPECT_EQ(all.back()["summary"]["skipped"]["kept_out"], 3) << "under two names, and the database";
  for (const auto* name : {"server.json", "copy.json", "shop.db"}) {
    const auto r = s.curl("/search?pattern=e&path=" + std::string(name), {"-i"});
    EXPECT_NE(r.output.find("HTTP/1.1 403 "), std::string::npos) << r.output;
  }
  // As editors save.
  own.settings["log"]["level"] = "info";
  std::ofstream(folder + "new") << own.settings.dump(2);
  std::filesystem::rename(folder + "new", config);
  EXPECT_EQ(look().size(), 3U);
}

TEST(search, gives_paths_that_it_takes_back_whatever_their_bytes) {
  const temporary_directory own;
  const auto folder = own / "";
  const std::vector<std::string> names = {
      "plain",       "with space", "100%25+&=#?", "\"quote\"",    "a\nline\r end", "back\\slash",
      "caf\xC3\xA9", "caf\xE9",    "\xFF\xFE",    "\xEE\xBF\xA9", "d\xE9/f",       "-x"};
  for (const auto& name : names) {
    std::filesystem::create_directories(std::filesystem::path(folder + name).parent_path());
    std::ofstream(folder + name) << "needle\n";
  }
  nlohmann::json settings = {{"search", {{"root", folder}}},
                             {"databases", nlohmann::json::object()}};
  const auto config = folder + "own.json";
  std::ofstream(config) << settings.dump();
  const server s({"--config", config});
  const auto all = lines_of(s.curl("/search?pattern=needle").output);
  ASSERT_EQ(all.size(), names.size() + 1);
  for (const auto& line : all) {
    if (line.contains("summary")) {
      continue;
    }
    const auto path = line["path"].get<std::string>();
    const auto again = lines_of(
        s.curl("/search?pattern=needle", {"-G", "--data-urlencode", "path=" + path}).output);
    ASSERT_EQ(again.size(), 2U) << line;
    EXPECT_EQ(again.front(), line);
  }
}

TEST(search, a_root_that_is_empty_is_none_and_there_is_no_such_route) {
  const temporary_directory folder;
  const server s(
      {"--config", folder.write("server.json", R"({"search": {"root": ""}, "databases": {}})")});
  EXPECT_NE(s.curl("/search?pattern=e", {"-i"}).output.find("HTTP/1.1 404 "), std::string::npos);
}

}  // namespace
}  // namespace hangup::system_test
