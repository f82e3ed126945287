// The framing of a stranger's body: the same end and the same data are found however the bytes are
// cut, never more bytes are taken than there are, and the data is a part of them.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/wire/body.h"

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
  std::string found;
  const auto taken = whole.feed(bytes, [&](std::string_view run) {
    require(!run.empty() && run.data() >= bytes.data() &&
            run.data() + run.size() <= bytes.data() + bytes.size());
    found.append(run);
  });
  require(taken <= bytes.size() && found.size() <= std::min<std::size_t>(taken, 100));
  require(whole.state() != body_scan::result::more || taken == bytes.size());
  require(chunked || found == bytes.substr(0, taken));
  require(!whole.refused() || (whole.why().status >= 400 && !whole.why().detail.empty()));

  auto parts = start();
  std::string again;
  std::size_t at = 0;
  while (at < bytes.size() && parts.state() == body_scan::result::more) {
    at += parts.feed(bytes.substr(at, step), [&](std::string_view run) { again.append(run); });
  }
  require(parts.state() == whole.state() && at == taken && again == found);
  return 0;
}
