// The answer that an engine writes, in pieces of any size: what is passed on is what was written,
// and the end is where it is whatever the pieces are.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/wire/answer_scan.h"

namespace {

using hangup::http::answer_scan;
using kind = answer_scan::kind;

struct outcome {
  std::string passed;
  bool broken = false;
  bool whole = false;
  int status = 0;
};

outcome fed(std::string_view text, std::size_t at_a_time, bool to_head) {
  answer_scan scan(to_head);
  outcome o;
  while (!text.empty() && !o.broken) {
    auto part = text.substr(0, at_a_time);
    text.remove_prefix(part.size());
    while (!part.empty()) {
      const auto before = part.size();
      const auto piece = scan.next(part);
      if (part.size() >= before) {
        std::abort();
      }
      o.broken = o.broken || piece.is == kind::broken;
      if (piece.is == kind::interim || piece.is == kind::head || piece.is == kind::body) {
        o.passed.append(piece.text);
      }
    }
  }
  o.whole = scan.whole();
  o.status = scan.begun() ? scan.status() : 0;
  return o;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const bool to_head = (data[0] & 1U) != 0;
  const auto at_once = fed(text, text.size() + 1, to_head);
  const auto in_pieces = fed(text, std::size_t{data[1]} + 1, to_head);
  if (!text.starts_with(at_once.passed) || at_once.broken != in_pieces.broken ||
      at_once.whole != in_pieces.whole || at_once.status != in_pieces.status ||
      (!at_once.broken && at_once.passed != in_pieces.passed)) {
    std::abort();
  }
  return 0;
}
