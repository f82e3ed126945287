#include "handlers/search/line_matcher.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>

#include "handlers/search/required_literal.h"

namespace hangup::search {
namespace {

constexpr std::size_t kib = 1024;

RE2::Options options() {
  RE2::Options o;
  o.set_log_errors(false);
  o.set_never_nl(true);  // excludes the newline from [^a], \s, \W and the like
  o.set_never_capture(true);
  o.set_max_mem(static_cast<std::int64_t>(line_matcher::max_memory));
  return o;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// Here \A and \z must match at line boundaries, \C could match a newline, and (?-m) would undo the
// mode that is relied on. Expressions with these are matched line by line, which is slower but
// never wrong.
bool needs_lines(std::string_view regex) {
  return has(regex, "\\A") || has(regex, "\\z") || has(regex, "\\C") ||
         (has(regex, "(?") && has(regex, "-"));
}

re2::StringPiece piece_of(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

line_matcher::line_matcher() = default;
line_matcher::line_matcher(line_matcher&&) noexcept = default;
line_matcher& line_matcher::operator=(line_matcher&&) noexcept = default;
line_matcher::~line_matcher() = default;

std::optional<line_matcher> line_matcher::compile(std::string_view pattern, bool regex,
                                                  std::string& reason) {
  if (pattern.empty()) {
    reason = "the pattern is empty";
    return std::nullopt;
  }
  if (pattern.size() > max_pattern) {
    reason = "the pattern is longer than " + std::to_string(max_pattern) + " bytes";
    return std::nullopt;
  }
  if (has(pattern, "\n")) {
    reason = "the pattern has a newline in it, and matches are lines";
    return std::nullopt;
  }
  line_matcher made;
  if (!regex) {
    made.literal_ = pattern;
    made.piece_ = 64 * kib;
    made.window_ = 64 * kib;
    made.overlap_ = pattern.size() - 1;
    return made;
  }
  made.re_ = std::make_unique<RE2>("(?m)" + std::string(pattern), options());
  if (!made.re_->ok()) {
    // Some of RE2's messages quote the whole pattern: show the client's own, without the prefix
    // added here.
    const RE2 plain(piece_of(pattern), options());
    reason = plain.ok() ? made.re_->error() : plain.error();
    return std::nullopt;
  }
  const int size = made.re_->ProgramSize();
  if (size > max_program) {
    reason = "pattern too large";
    return std::nullopt;
  }
  made.literal_ = required_literal(pattern);
  made.by_line_ = needs_lines(pattern);
  // If an expression needs more states than fit, RE2 falls back to a method whose cost per byte
  // grows with the size of the expression: 8 KiB of the worst case take about 15 ms. A long line is
  // searched in larger pieces, because expressions may match over a long distance ("foo.*bar" in a
  // line of JSON).
  const auto per_byte = static_cast<std::size_t>(std::max(size, 1));
  made.piece_ = std::clamp<std::size_t>(8 * kib * kib / per_byte, 2 * kib, 8 * kib);
  made.window_ = 8 * made.piece_;
  made.overlap_ = 2 * made.piece_;
  return made;
}

std::size_t line_matcher::find(std::string_view text, std::size_t from, std::size_t to) const {
  if (re_ == nullptr) {
    return find_literal(text, from, to);
  }
  if (literal_.empty()) {
    return find_regex(text, from, to);
  }
  // memmem is ten times as fast as RE2. So RE2 is used only for lines that contain the literal, as
  // long as there are few of them. If there are many that do not match, RE2 alone is faster.
  constexpr std::size_t dense = 256;
  std::size_t misses = 0;
  for (std::size_t at = from;;) {
    const std::size_t hit = find_literal(text, at, to);
    if (hit == npos) {
      return npos;
    }
    const auto* const before = static_cast<const char*>(memrchr(text.data() + at, '\n', hit - at));
    const auto* const after =
        static_cast<const char*>(std::memchr(text.data() + hit, '\n', to - hit));
    const std::size_t begin =
        before == nullptr ? at : static_cast<std::size_t>(before - text.data()) + 1;
    const std::size_t end = after == nullptr ? to : static_cast<std::size_t>(after - text.data());
    const std::size_t found = find_in_line(text, begin, end);
    if (found != npos || after == nullptr) {
      return found;
    }
    at = end + 1;
    if (++misses * dense > at - from) {
      return find_regex(text, at, to);
    }
  }
}

std::size_t line_matcher::find_literal(std::string_view text, std::size_t from,
                                       std::size_t to) const noexcept {
  const void* const hit = memmem(text.data() + from, to - from, literal_.data(), literal_.size());
  return hit == nullptr ? npos
                        : static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
}

std::size_t line_matcher::find_regex(std::string_view text, std::size_t from,
                                     std::size_t to) const {
  if (!by_line_) {
    re2::StringPiece match;
    return re_->Match(piece_of(text), from, to, RE2::UNANCHORED, &match, 1)
               ? static_cast<std::size_t>(match.data() - text.data())
               : npos;
  }
  for (std::size_t begin = from;;) {
    const auto* const newline =
        static_cast<const char*>(std::memchr(text.data() + begin, '\n', to - begin));
    const std::size_t end =
        newline == nullptr ? to : static_cast<std::size_t>(newline - text.data());
    const std::size_t found = find_in_line(text, begin, end);
    if (found != npos || newline == nullptr) {
      return found;
    }
    begin = end + 1;
  }
}

std::size_t line_matcher::find_in_line(std::string_view text, std::size_t from,
                                       std::size_t to) const {
  std::size_t left = 0;
  std::size_t right = text.size();
  if (by_line_) {  // one byte more if the line continues, so that \A and \z do not match there
    left = from - (from > 0 && text[from - 1] != '\n' ? 1 : 0);
    right = to + (to < text.size() && text[to] != '\n' ? 1 : 0);
  }
  re2::StringPiece match;
  return re_->Match(piece_of(text.substr(left, right - left)), from - left, to - left,
                    RE2::UNANCHORED, &match, 1)
             ? static_cast<std::size_t>(match.data() - text.data())
             : npos;
}

}  // namespace hangup::search
