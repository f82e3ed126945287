// A path with one variable segment: "/jobs/{id}", "/jobs/{id}/result". It is not a regular
// expression: matching takes two comparisons and one check per character of the segment.
//
//   static const path_pattern one("/jobs/{id}");
//   const auto id = one.match(req.path());   // what stands in the place of {id}
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace hangup::http {

class path_pattern {
 public:
  // The segment may have up to this many characters, all of A-Z a-z 0-9 - _. So it cannot be empty
  // or "..", contains no slash and no NUL, and may be used in a log or a header as it is.
  static constexpr std::size_t longest = 64;

  // Whether the path contains a brace, and so is meant as a pattern.
  static bool is_one(std::string_view path) noexcept;

  // Throws std::invalid_argument unless the text has exactly one segment {name}, with a name of
  // A-Z a-z 0-9 _ that does not begin with a digit.
  explicit path_pattern(std::string_view text);

  // The variable segment of a decoded path, as a view into it; nullopt if the path does not match.
  std::optional<std::string_view> match(std::string_view path) const noexcept;

  // The name in the braces of such a text, as a view into it; empty if there is none.
  static std::string_view name_in(std::string_view text) noexcept;

  // Whether both match the same paths; the name of the segment makes no difference.
  bool operator==(const path_pattern& other) const noexcept = default;

 private:
  std::string before_;  // with the slash at its end
  std::string after_;   // with the slash at its beginning; may be empty
};

}  // namespace hangup::http

#pragma GCC visibility pop
