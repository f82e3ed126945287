// Finds matching lines. The compiled pattern searches whole buffers, not line by line.
//
// A literal is a sequence of bytes in any encoding. A regular expression has RE2 syntax, which
// takes linear time for any pattern, and is for UTF-8: ^ and $ match at line boundaries, nothing
// matches a newline, and `.` matches no byte that is not valid UTF-8. A match is always within one
// line. Lines end with LF; the code that reads files removes a CR before it.
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

// Immutable, so several threads may use it at once. After a move it may only be destroyed.
class line_matcher {
 public:
  static constexpr std::size_t npos = std::string_view::npos;
  static constexpr std::size_t max_pattern = 1000;  // bytes
  static constexpr int max_program = 10'000;        // RE2 instructions: limits the time per byte
  static constexpr std::size_t max_memory = 8U << 20U;  // of one compiled expression and its caches

  // Returns nullopt, and a reason for the client, if the pattern is empty, too long or contains a
  // newline, or if RE2 refuses it (with RE2's message; this includes invalid UTF-8). Takes up to
  // 0.1 s for the worst patterns, under 1 ms for ordinary ones.
  static std::optional<line_matcher> compile(std::string_view pattern, bool regex,
                                             std::string& reason);

  line_matcher(line_matcher&&) noexcept;
  line_matcher& operator=(line_matcher&&) noexcept;
  ~line_matcher();

  // The position of the first match in [from, to) of the text; npos if there is none. The text
  // around that range is only looked at for ^, $ and \b: it must contain the byte before and the
  // byte after the range, unless the file begins or ends there. The range may span many lines; an
  // empty match at its end counts for the line that ends there. Does not check a context, so keep
  // the range small.
  [[nodiscard]] std::size_t find(std::string_view text, std::size_t from, std::size_t to) const;

  // How many bytes to search at a time, so that the context is checked often enough: piece() for
  // many lines, and for one line longer than that, the size of its windows and by how much they
  // must overlap. For a literal: 64 KiB, 64 KiB, and the length of the pattern minus 1. For an
  // expression: 8 KiB, 64 KiB and 16 KiB, down to a quarter of these for large expressions. So in a
  // line longer than a window, a match of an expression that is longer than the overlap may be
  // missed; a literal is never missed.
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
      literal_;  // the pattern, or a text contained in every match of the expression; may be empty
  std::unique_ptr<re2::RE2> re_;  // null: the pattern is a literal
  bool by_line_ = false;          // the expression must be matched line by line
  std::size_t piece_ = 0;
  std::size_t window_ = 0;
  std::size_t overlap_ = 0;
};

}  // namespace hangup::search
