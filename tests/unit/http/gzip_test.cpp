#include "http/gzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

namespace hangup::http {
namespace {

// What zlib, told to expect gzip, makes of it.
std::string unpacked(std::string packed) {
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, 15 + 16), Z_OK);
  z.next_in = reinterpret_cast<Bytef*>(packed.data());
  z.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  std::string piece(100'000, '\0');
  int state = Z_OK;
  while (state == Z_OK) {
    z.next_out = reinterpret_cast<Bytef*>(piece.data());
    z.avail_out = static_cast<uInt>(piece.size());
    state = inflate(&z, Z_NO_FLUSH);
    out.append(piece, 0, piece.size() - z.avail_out);
  }
  EXPECT_EQ(state, Z_STREAM_END);
  EXPECT_EQ(z.avail_in, 0U) << "nothing stands behind the end";
  inflateEnd(&z);
  return out;
}

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
      EXPECT_TRUE(unpacked(*packed) == text) << size;
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
