#include "server/descriptors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace hangup::server {
namespace {

TEST(descriptors, are_needed_for_each_client_and_for_what_runs_beside_them) {
  auto c = defaults();
  const auto usual = descriptors_needed(c);
  EXPECT_GT(usual, c.http.max_connections);
  EXPECT_LT(usual, c.http.max_connections + 1000);
  c.http.max_connections += 500;
  EXPECT_EQ(descriptors_needed(c), usual + 500);
  c.databases.clear();
  c.search.root.clear();
  c.pools.clear();
  EXPECT_LT(descriptors_needed(c), usual + 500);
}

TEST(descriptors, of_each_database_are_as_many_as_it_has_connections) {
  auto c = defaults();
  const auto before = descriptors_needed(c);
  c.databases["pg"].kind = "postgres";
  c.databases["pg"].connections = 100;
  EXPECT_GE(descriptors_needed(c), before + 100);
}

TEST(descriptors, are_needed_for_the_workers_of_jobs) {
  auto c = defaults();
  c.databases.clear();
  const auto before = descriptors_needed(c);
  c.databases["pg"].kind = "postgres";
  c.databases["pg"].connections = 100;
  EXPECT_EQ(descriptors_needed(c), before + 2 * 100 + 50);
}

TEST(descriptors, are_needed_at_least_for_the_server_itself_and_some_clients) {
  auto c = defaults();
  EXPECT_GT(least_descriptors(c), 32U);
  EXPECT_LT(least_descriptors(c), 128U);
  EXPECT_LT(least_descriptors(c), descriptors_needed(c));
}

TEST(descriptors, are_allowed_as_many_as_the_system_allows_after_the_limit_is_raised) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(raise_descriptor_limit(), before.rlim_max);
  rlimit now{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &now), 0);
  EXPECT_EQ(now.rlim_cur, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace hangup::server
