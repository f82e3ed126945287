// What is read of a request of cpp-httplib.
#include "hangup/http/detail/httplib_call.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace hangup::http {
namespace {

TEST(lines, of_one_name_are_one_list) {
  const std::multimap<std::string, std::string> headers = {
      {"Accept", "text/html"}, {"Accept", "text/csv"}, {"Via", "1.1 a"}};
  EXPECT_EQ(detail::joined(headers, "Accept"), "text/html, text/csv");
  EXPECT_EQ(detail::joined(headers, "Via"), "1.1 a");
  EXPECT_EQ(detail::joined(headers, "Range"), "");
}

}  // namespace
}  // namespace hangup::http
