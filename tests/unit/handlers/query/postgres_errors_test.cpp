// PostgreSQL's error codes, without a server.
#include "handlers/query/postgres_errors.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace hangup::query {
namespace {

TEST(postgres_errors, each_state_has_its_meaning_and_what_is_not_known_has_failed) {
  const std::vector<std::pair<const char*, errc>> all = {{"08006", errc::unreachable},
                                                         {"22P02", errc::bad_argument},
                                                         {"23503", errc::bad_argument},
                                                         {"25006", errc::failed},
                                                         {"25P03", errc::unreachable},
                                                         {"25P04", errc::timed_out},
                                                         {"26000", errc::failed},
                                                         {"28P01", errc::unreachable},
                                                         {"3D000", errc::unreachable},
                                                         {"40001", errc::busy},
                                                         {"40P01", errc::busy},
                                                         {"42P01", errc::failed},
                                                         {"42P05", errc::failed},
                                                         {"53100", errc::busy},
                                                         {"53300", errc::busy},
                                                         {"55000", errc::failed},
                                                         {"55P03", errc::busy},
                                                         {"57014", errc::busy},
                                                         {"57P01", errc::unreachable},
                                                         {"57P02", errc::unreachable},
                                                         {"57P03", errc::unreachable},
                                                         {"57P05", errc::unreachable},
                                                         {"58030", errc::failed},
                                                         {"XX000", errc::failed},
                                                         {"P0001", errc::failed},
                                                         {"", errc::failed},
                                                         {"?", errc::failed}};
  for (const auto& [state, ec] : all) {
    EXPECT_EQ(meaning_of(std::string_view(state)), ec) << state;
  }
}

}  // namespace
}  // namespace hangup::query
