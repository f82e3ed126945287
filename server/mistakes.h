// All mistakes of a configuration, one line each, in the order in which they were found.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace hangup::server {

// Keeps the first `most` lines and only counts the others, so that a file with a mistake in every
// line uses no more memory than that. Not thread-safe.
class mistakes {
 public:
  static constexpr std::size_t most = 20;

  void add(std::string line) {
    add_made([&line] { return std::move(line); });
  }
  // Like add(make()), for a line that takes long to make: it is not called for a line that is not
  // kept.
  template <class Make>
  void add_made(const Make& make) {
    ++count_;
    if (lines_.size() < most) {
      lines_.push_back(make());
    }
  }
  // Adds the lines of `others`, each converted by `line`.
  template <class Line>
  void add_all(const mistakes& others, const Line& line) {
    for (const auto& other : others.lines_) {
      add_made([&] { return line(other); });
    }
    count_ += others.count_ - others.lines_.size();
  }
  void add_all(const mistakes& others) {
    add_all(others, [](const std::string& line) { return line; });
  }

  bool empty() const noexcept { return count_ == 0; }
  std::size_t count() const noexcept { return count_; }
  const std::vector<std::string>& lines() const noexcept { return lines_; }
  // The lines, without a newline at the end. If some were not kept, the last one is e.g. "and 3
  // more".
  std::string text() const;

 private:
  std::vector<std::string> lines_;
  std::size_t count_ = 0;
};

}  // namespace hangup::server
