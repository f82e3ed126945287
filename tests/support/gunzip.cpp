#include "tests/support/gunzip.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace hangup::test {

std::string gunzip(std::string packed) {
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, 15 + 16), Z_OK);  // the largest window, and gzip's head
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

}  // namespace hangup::test
