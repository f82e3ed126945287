// A path with one segment that a client chooses: "/jobs/{id}", "/jobs/{id}/result". No regular
// expression: two comparisons and a look at each character of the segment.
//
//   static const path_pattern one("/jobs/{id}");
//   const auto id = one.match(req.path);   // what stands in the place of {id}
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hangup::http {

class path_pattern {
 public:
  // What the segment may be: so many characters at most, of A-Z a-z 0-9 - _. So it is never empty,
  // "..", a slash or a NUL, and may stand in a log or a header as it is.
  static constexpr std::size_t longest = 64;

  // Has the path a brace in it, and so wants to be a pattern?
  static bool is_one(std::string_view path) noexcept;

  // Throws std::invalid_argument unless there is one whole segment {name}, of a-z and _.
  explicit path_pattern(std::string_view text);

  // The segment of a decoded path, a view into it; none if the path is another one.
  std::optional<std::string_view> match(std::string_view path) const noexcept;

  // Do they match the same paths? The name of the segment is nothing but a name.
  bool operator==(const path_pattern& other) const noexcept = default;

 private:
  std::string before_;  // with its slash
  std::string after_;   // with its slash, or empty
};

}  // namespace hangup::http
