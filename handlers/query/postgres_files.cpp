#include "handlers/query/postgres_files.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

namespace hangup::query {
namespace {

using options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

void add_files(const PQconninfoOption* option, std::vector<std::string>& to) {
  constexpr std::array<std::string_view, 5> keys = {"passfile", "sslkey", "sslcert", "sslrootcert",
                                                    "sslcrl"};
  for (; option != nullptr && option->keyword != nullptr; ++option) {
    const bool names_a_file = std::find(keys.begin(), keys.end(), option->keyword) != keys.end();
    if (names_a_file && option->val != nullptr && *option->val != '\0') {
      to.emplace_back(option->val);
    }
  }
}

std::string variable(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? std::string() : text;
}

// The home directory according to the system's list of users.
std::string home_of_user() {
  std::vector<char> room(16 * 1024);
  passwd user{};
  passwd* found = nullptr;
  const int failed = ::getpwuid_r(::geteuid(), &user, room.data(), room.size(), &found);
  return failed != 0 || found == nullptr ? std::string() : std::string(found->pw_dir);
}

}  // namespace

std::vector<std::string> files_in_conninfo(const std::string& conninfo) {
  std::vector<std::string> files;
  const options given(PQconninfoParse(conninfo.c_str(), nullptr), PQconninfoFree);
  if (!given) {
    return files;
  }
  add_files(given.get(), files);
  const options around(PQconndefaults(), PQconninfoFree);
  add_files(around.get(), files);
  // Without $HOME libpq uses the home directory of the user; before libpq 15 it always does.
  for (const auto& home : {variable("HOME"), home_of_user()}) {
    for (const auto* name : {"/.pgpass", "/.pg_service.conf", "/.postgresql/postgresql.key"}) {
      if (!home.empty()) {
        files.push_back(home + name);
      }
    }
  }
  if (auto file = variable("PGSERVICEFILE"); !file.empty()) {
    files.push_back(std::move(file));
  }
  // The last three are compiled-in paths of Debian, Fedora and PostgreSQL itself.
  for (const auto& folder :
       {variable("PGSYSCONFDIR"), std::string("/etc/postgresql-common"),
        std::string("/etc/sysconfig/pgsql"), std::string("/usr/local/pgsql/etc")}) {
    if (!folder.empty()) {
      files.push_back(folder + "/pg_service.conf");
    }
  }
  return files;
}

}  // namespace hangup::query
