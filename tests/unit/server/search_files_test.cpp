// Which files are the server's own.
#include "server/search_files.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace hangup::server {
namespace {

TEST(search_files, all_that_the_configuration_names_is_the_servers_own) {
  std::string folder = testing::TempDir() + "hangup_own_XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const auto in = [&folder](const char* name) { return folder + "/" + name; };
  const std::vector<const char*> names = {"server.json", "conninfo", "cert.pem", "key.pem",
                                          "a.db",        "a.db-wal", "a.db-shm", "pg.key",
                                          "pgpass.txt",  "ca.pem",   "nobodys"};
  for (const auto* name : names) {
    std::ofstream(in(name)) << "x";
  }
  launch with;
  with.source = in("server.json");
  with.over = {
      {"HANGUP_DATABASES__PG__CONNINFO_FILE", "databases.pg.conninfo", "", true, in("conninfo")},
      {"--port", "listen.port", "8081"}};
  with.settings.tls = {in("cert.pem"), in("key.pem")};
  auto& sqlite = with.settings.databases["a"];
  sqlite.kind = "sqlite";
  sqlite.file = in("a.db");
  auto& pg = with.settings.databases["pg"];
  pg.kind = "postgres";
  pg.conninfo = "host=db sslkey='" + in("pg.key") + "' passfile='" + in("pgpass.txt") + "'";
  with.settings.relay.upstreams["next"].ca_file = in("ca.pem");

  const auto found = own_files_of(with).below(folder);
  EXPECT_EQ(found.size(), names.size() - 1);
  EXPECT_EQ(std::find(found.begin(), found.end(), in("nobodys")), found.end());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace hangup::server
