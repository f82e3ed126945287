#include "handlers/query/postgres_files.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace hangup::query {
namespace {

using options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

void add_files(const PQconninfoOption* option, std::vector<std::string>& to) {
  constexpr std::array<std::string_view, 6> keys = {"passfile",    "sslkey", "sslcert",
                                                    "sslrootcert", "sslcrl", "servicefile"};
  for (; option != nullptr && option->keyword != nullptr; ++option) {
    const bool names_a_file = std::find(keys.begin(), keys.end(), option->keyword) != keys.end();
    if (names_a_file && option->val != nullptr && *option->val != '\0') {
      to.emplace_back(option->val);
    }
  }
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
  if (const char* const home = std::getenv("HOME"); home != nullptr) {
    for (const auto* name : {"/.pgpass", "/.pg_service.conf", "/.postgresql/postgresql.key"}) {
      files.push_back(std::string(home) + name);
    }
  }
  return files;
}

}  // namespace hangup::query
