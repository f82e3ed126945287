// A stranger's pattern, on a text of the stranger's: it is compiled or refused in words, a match
// lies in the text, and what is found in pieces is found in the whole. The literal that makes an
// expression fast is in every match of it.
#include <re2/re2.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "handlers/search/line_matcher.h"

using namespace hangup::search;

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

re2::RE2::Options options() {  // as handlers/search/line_matcher.cpp has them
  re2::RE2::Options o;
  o.set_log_errors(false);
  o.set_never_nl(true);
  o.set_never_capture(true);
  o.set_max_mem(static_cast<std::int64_t>(line_matcher::max_memory));
  return o;
}

}  // namespace

// The first byte: a literal or an expression; the next: how long the pattern is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const bool regex = (data[0] & 1U) != 0;
  const auto length = std::min<std::size_t>(data[1], size - 2);
  const auto pattern = bytes.substr(2, length);
  const auto text = bytes.substr(2 + length);

  std::string reason;
  const auto m = line_matcher::compile(pattern, regex, reason);
  if (!m) {
    require(!reason.empty() && reason.find('\n') == std::string::npos);
    return 0;
  }
  require(!pattern.empty() && pattern.size() <= line_matcher::max_pattern);
  const auto at = m->find(text, 0, text.size());
  require(at == line_matcher::npos || at <= text.size());

  if (!regex) {
    require(at == text.find(pattern));
    return 0;
  }
  // RE2 by itself, on each line alone: no literal is looked for first, no newline is ever seen.
  const re2::RE2 plain("(?m)" + std::string(pattern), options());
  require(plain.ok());
  std::size_t line = 0;
  bool found = false;
  for (std::size_t from = 0; from <= text.size() && !found; ++line) {
    const auto end = std::min(text.find('\n', from), text.size());
    const auto one = text.substr(from, end - from);
    found = re2::RE2::PartialMatch(re2::StringPiece(one.data(), one.size()), plain);
    from = end + 1;
  }
  require(found == (at != line_matcher::npos));
  if (found) {  // the same line
    const auto before = text.substr(0, at);
    require(static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1 == line);
  }
  return 0;
}
