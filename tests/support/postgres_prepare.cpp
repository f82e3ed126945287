// Makes the data that the tests' PostgreSQL servers begin with, before the first of them runs.
//
//   postgres_prepare FOLDER
#include <cstdio>
#include <exception>
#include <filesystem>

#include "tests/support/postgres_server.h"

int main(int count, char** texts) {
  using hangup::test::postgres_server;
  if (count != 2) {
    std::fputs("usage: postgres_prepare FOLDER\n", stderr);
    return 2;
  }
  try {
    std::filesystem::remove_all(texts[1]);
    if (postgres_server::is_installed()) {  // else each test says so for itself
      postgres_server().save(texts[1]);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
