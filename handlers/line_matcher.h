// Finds the lines that match: a compiled pattern that searches whole buffers, not line by line.
//
// A literal is bytes, in whatever encoding. A regular expression is RE2 syntax (linear time,
// whatever a stranger sends) in UTF-8: ^ and $ match at lines, no part of it matches a newline, and
// `.` matches no byte that is not UTF-8. A match is always within one line. Lines end in LF:
// whoever reads files takes the CR before it away first.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace hangup::search {

// Immutable: may be used from any thread, by several at once. Moved-from it may only be destroyed.
class line_matcher {
 public:
  static constexpr std::size_t npos = std::string_view::npos;
  static constexpr std::size_t max_pattern = 1000;  // bytes
  static constexpr int max_program = 10'000;        // RE2 instructions, bounds the time per byte
  static constexpr std::size_t max_memory = 8U << 20U;  // of one compiled expression and its caches

  // Nothing, and the reason in words for the user, if the pattern is empty, too long, has a newline
  // in it, or RE2 refuses it (then RE2's own words; UTF-8 that is not valid is refused there).
  // Takes up to 0.1 s for the worst patterns, under 1 ms for usual ones.
  static std::optional<line_matcher> compile(std::string_view pattern, bool regex,
                                             std::string& reason);

  line_matcher(line_matcher&&) noexcept;
  line_matcher& operator=(line_matcher&&) noexcept;
  ~line_matcher();

  // Where the first match begins that lies in [from, to) of the text; npos if there is none. The
  // text around the range is looked at for ^, $ and \b only: it must have the byte before and the
  // byte after, unless the file begins or ends there. The range may have many lines; an empty match
  // at its end counts as one in the line that ends there. Does not look at a context: keep it
  // bounded.
  [[nodiscard]] std::size_t find(std::string_view text, std::size_t from, std::size_t to) const;

  // How much to search at once so that a context is looked at often enough: of many lines, of one
  // line; and by how much the windows of a line that is longer than that must overlap. Bytes: 64
  // Ki, 64 Ki and the pattern's length - 1 for a literal; 8 Ki, 64 Ki and 16 Ki for an expression,
  // down to a quarter for large ones. So in a line longer than a window, a match of an expression
  // that is longer than the overlap may be missed; a literal never is.
  [[nodiscard]] std::size_t piece() const noexcept { return piece_; }
  [[nodiscard]] std::size_t window() const noexcept { return window_; }
  [[nodiscard]] std::size_t overlap() const noexcept { return overlap_; }

 private:
  line_matcher();
  [[nodiscard]] std::size_t find_literal(std::string_view text, std::size_t from,
                                         std::size_t to) const noexcept;
  [[nodiscard]] std::size_t find_regex(std::string_view text, std::size_t from,
                                       std::size_t to) const;
  [[nodiscard]] std::size_t find_in_line(std::string_view text, std::size_t from,
                                         std::size_t to) const;

  std::string
      literal_;  // the pattern, or what every match of the expression contains (may be empty)
  std::unique_ptr<re2::RE2> re_;  // null: a literal
  bool by_line_ = false;          // the expression has to see each line alone
  std::size_t piece_ = 0;
  std::size_t window_ = 0;
  std::size_t overlap_ = 0;
};

}  // namespace hangup::search
