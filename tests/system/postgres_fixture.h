// Tests that need a PostgreSQL server: each process has one, which the tests of a suite share.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "tests/support/needs.h"
#include "tests/support/postgres_server.h"
#include "tests/system/program.h"

namespace hangup::system_test {

// Reports that the server runs now: not what we ask for ourselves.
inline const std::string active =
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hangup' AND state <> 'idle' "
    "AND query !~ '^SELECT 1$|pg_catalog.current_setting|DISCARD ALL|ROLLBACK'";
// Our connections to it.
inline const std::string ours =
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hangup'";

class with_postgres : public testing::Test {
 protected:
  void SetUp() override {
    needs({postgres_server::is_installed()
               ? need{}
               : need{"needs a PostgreSQL server: apt-get install postgresql"}});
    if (!server_) {
      const char* const prepared = std::getenv("HANGUP_TEST_POSTGRES");
      server_ = std::make_unique<postgres_server>(prepared != nullptr ? prepared : "");
    }
    ASSERT_TRUE(server_->becomes(ours, "0"));
  }
  static void TearDownTestSuite() { server_.reset(); }

  static inline std::unique_ptr<postgres_server> server_;  // starting one takes seconds
};

}  // namespace hangup::system_test
