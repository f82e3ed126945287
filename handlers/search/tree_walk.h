// Walks through the directories of one search and counts what is left out. Used by scan() of
// file_search.h; one object per search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "handlers/search/file_search.h"
#include "handlers/search/line_scanner.h"
#include "handlers/search/search_root.h"
#include "hangup/context/context.h"

namespace hangup::search {

// Every file is opened relative to the descriptor of its directory, never through a symbolic link
// and (unless the rules allow it) never across a mount. So the walk stays below its start, whatever
// is renamed meanwhile. It uses a stack of open directories, not recursion.
class tree_walk final : private line_listener {
 public:
  tree_walk(const context& ctx, const line_matcher& matcher, std::uint64_t max_matches,
            rules& keeping, sink& out, summary& sum);

  // Results as for scan(). `path` is the prefix of the matches' paths; empty for the root.
  std::error_code run(opened_path start, std::string path);

 private:
  struct level {
    descriptor fd;
    std::size_t path_size;            // of the directory's own path
    std::unique_ptr<char[]> entries;  // as returned by getdents64(2)
    std::size_t next = 0;
    std::size_t end = 0;
  };

  std::error_code walk();
  std::error_code visit(const char* name, unsigned char type);
  std::error_code visit_file(const char* name);
  std::error_code enter(const char* name);
  [[nodiscard]] descriptor open(const char* name, int flags) const;
  std::error_code search(int fd);
  std::error_code not_opened(int number);
  void push(descriptor fd);
  bool fill(level& top);

  std::error_code on_line(const found_line& line) override;
  std::error_code on_bytes(std::size_t count) override;

  const context& ctx_;
  const std::uint64_t max_matches_;
  rules& keeping_;
  sink& out_;
  summary& sum_;
  line_scanner scanner_;
  std::vector<level> levels_;
  std::string path_;
};

}  // namespace hangup::search
