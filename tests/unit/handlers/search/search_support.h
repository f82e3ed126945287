// What the tests of the file search share: a tree that removes itself, a sink that remembers.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "handlers/search/file_search.h"
#include "tests/support/temporary_directory.h"

namespace hangup::search {

// A folder for searches, which every user can read.
class temp_tree {
 public:
  temp_tree() { ::chmod(folder_.path().c_str(), 0755); }

  [[nodiscard]] std::string path(std::string_view name = "") const {
    return name.empty() ? folder_.path() : folder_ / name;
  }
  void write(std::string_view name, std::string_view bytes) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    folder_.write(name, bytes);
  }

 private:
  const test::temporary_directory folder_;
};

struct memory_sink final : sink {
  struct line {
    std::string path;
    std::uint64_t number;
    std::uint64_t column;
    std::string text;
    bool truncated;
  };

  std::error_code on_match(const match& found) override {
    lines.push_back({std::string(found.path), found.line, found.column, std::string(found.text),
                     found.truncated});
    return after_match ? after_match() : std::error_code();
  }
  std::error_code idle() override {
    ++idles;
    return when_idle ? when_idle() : std::error_code();
  }

  // "path:line:text", sorted: the order of files is that of the file system.
  [[nodiscard]] std::vector<std::string> sorted() const {
    std::vector<std::string> all;
    for (const auto& l : lines) {
      all.push_back(l.path + ":" + std::to_string(l.number) + ":" + l.text);
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  std::vector<line> lines;
  int idles = 0;
  std::function<std::error_code()> after_match;
  std::function<std::error_code()> when_idle;
};

struct result {
  std::error_code error;
  std::string reason;
  summary sum;
};

inline result run(const context& ctx, const root& files, const query& what, sink& out) {
  result r;
  prepared job;
  r.error = prepare(files, what, job, r.reason);
  EXPECT_EQ(static_cast<bool>(job), !r.error);
  if (!r.error) {
    r.error = scan(ctx, std::move(job), out, r.sum);
  }
  return r;
}

inline std::vector<std::string> found(const temp_tree& tree, const query& what) {
  memory_sink out;
  const auto r = run(background(), root(tree.path()), what, out);
  EXPECT_FALSE(r.error) << r.reason;
  EXPECT_EQ(r.sum.matches, out.lines.size());
  return out.sorted();
}

using strings = std::vector<std::string>;

}  // namespace hangup::search
