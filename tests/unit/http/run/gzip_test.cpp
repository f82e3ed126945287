#include "http/run/gzip.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/gunzip.h"

namespace hangup::http {
namespace {

TEST(gzip, gives_the_text_back_whatever_its_size) {
  std::mt19937 any(7);
  for (const std::size_t size : {0U, 1U, 1000U, 65'535U, 65'536U, 65'537U, 131'072U, 1'000'000U}) {
    std::string words(size, 'w');
    std::string noise(size, '\0');
    for (auto& c : noise) {
      c = static_cast<char>(any());
    }
    for (const auto& text : {words, noise}) {
      const auto packed = gzipped(background(), text);
      ASSERT_TRUE(packed);
      EXPECT_TRUE(test::gunzip(*packed) == text) << size;
    }
    EXPECT_LT(gzipped(background(), words)->size(), size / 50 + 100);
  }
}

TEST(gzip, is_nothing_once_its_context_has_ended) {
  const auto scope = with_cancel(background());
  scope.cancel();
  EXPECT_FALSE(gzipped(scope.ctx, std::string(1000, 'x')));
}

TEST(takes_gzip, is_what_the_client_has_said_with_its_weights) {
  for (const auto* list :
       {"gzip", "GZIP", "x-gzip", "br, gzip", "gzip;q=0.5", "*", "br;q=1, *;q=0.1",
        "gzip;q=1.0, identity; q=0.5, *;q=0", "identity;q=0, gzip;q=0.001"}) {
    EXPECT_TRUE(takes_gzip(list)) << list;
  }
  for (const auto* list : {"", "identity", "br", "gzip;q=0", "gzip; Q=0.000", "*;q=0",
                           "gzip;q=0, *", "identity, gzip;q=0.5", "gzip;q=x", "gzipped"}) {
    EXPECT_FALSE(takes_gzip(list)) << list;
  }
}

}  // namespace
}  // namespace hangup::http
