// The framing of a stranger's body: the same end is found however the bytes are cut, and never more
// bytes are taken than there are.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/body.h"

using hangup::http::body_scan;

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::size_t step = 1U + data[0] % 7U;
  const bool chunked = (data[1] & 1) != 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto start = [&] {
    return chunked ? body_scan::of_chunks(100) : body_scan::of_length(data[1], 100);
  };

  auto whole = start();
  const auto taken = whole.feed(bytes);
  require(taken <= bytes.size());
  require(whole.state() != body_scan::result::more || taken == bytes.size());

  auto parts = start();
  std::size_t at = 0;
  while (at < bytes.size() && parts.state() == body_scan::result::more) {
    at += parts.feed(bytes.substr(at, step));
  }
  require(parts.state() == whole.state() && at == taken);
  return 0;
}
