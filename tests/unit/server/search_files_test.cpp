// Which files are the server's own.
#include "server/search_files.h"

#include <gtest/gtest.h>

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "handlers/query/postgres_files.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/variable.h"

namespace hangup::server {
namespace {

TEST(search_files, all_that_the_configuration_names_is_the_servers_own) {
  const test::temporary_directory folder;
  const auto in = [&folder](const char* name) { return folder / name; };
  const std::vector<const char*> names = {"server.json", "conninfo", "cert.pem", "key.pem",
                                          "a.db",        "a.db-wal", "a.db-shm", "pg.key",
                                          "pgpass.txt",  "ca.pem",   "nobodys"};
  for (const auto* name : names) {
    folder.write(name, "x");
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

  const auto found = own_files_of(with).below(folder.path());
  EXPECT_EQ(found.size(), names.size() - 1);
  EXPECT_EQ(std::find(found.begin(), found.end(), in("nobodys")), found.end());
}

TEST(search_files, those_that_libpq_finds_by_itself_are_the_servers_own) {
  const test::variable service("PGSERVICEFILE", "/a/services");
  const test::variable folder("PGSYSCONFDIR", "/b");
  const test::variable passwords("PGPASSFILE", "/c/passwords");
  const auto* const user = ::getpwuid(::geteuid());
  ASSERT_NE(user, nullptr);
  const std::string home = user->pw_dir;
  for (const char* given : {static_cast<const char*>(nullptr), "", "/d"}) {
    const test::variable at_home("HOME", given);
    const auto all = query::files_in_conninfo("host=db");
    std::vector<std::string> wanted = {"/a/services", "/b/pg_service.conf", "/c/passwords",
                                       home + "/.pgpass", home + "/.pg_service.conf"};
    if (given != nullptr && *given != '\0') {
      wanted.insert(wanted.end(), {"/d/.pgpass", "/d/.pg_service.conf"});
    }
    for (const auto& file : wanted) {
      EXPECT_NE(std::find(all.begin(), all.end(), file), all.end()) << file;
    }
    EXPECT_EQ(std::find(all.begin(), all.end(), ""), all.end());
    EXPECT_EQ(std::find(all.begin(), all.end(), "/.pgpass"), all.end()) << "of no home";
  }
}

}  // namespace
}  // namespace hangup::server
