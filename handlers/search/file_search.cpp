#include "handlers/search/file_search.h"

#include <optional>
#include <utility>

#include "handlers/search/line_matcher.h"
#include "handlers/search/tree_walk.h"

namespace hangup::search {
namespace {

// Normalizes a path for the beginning of matches' paths: "./logs//" becomes "logs". The kernel
// decides what ".." means.
std::string tidy(const std::string& path) {
  std::string tidied;
  for (std::size_t at = 0; at < path.size();) {
    std::size_t end = path.find('/', at);
    end = end == std::string::npos ? path.size() : end;
    const auto part = std::string_view(path).substr(at, end - at);
    if (!part.empty() && part != ".") {
      tidied.append(tidied.empty() ? "" : "/").append(part);
    }
    at = end + 1;
  }
  return tidied;
}

}  // namespace

struct prepared::state {
  descriptor lock;
  opened_path start;
  std::string path;
  line_matcher matcher;
  std::uint64_t max_matches;
  rules keeping;
};

prepared::prepared() noexcept = default;
prepared::prepared(prepared&& other) noexcept = default;
prepared& prepared::operator=(prepared&& other) noexcept = default;
prepared::~prepared() = default;

std::error_code prepare(const root& files, const query& what, prepared& job, std::string& reason) {
  job = prepared();
  std::optional<line_matcher> matcher = line_matcher::compile(what.pattern, what.regex, reason);
  if (!matcher) {
    return errc::bad_pattern;
  }
  descriptor lock;
  opened_path start;
  rules keeping = files.rules_now();
  std::error_code error = files.lock_shared(lock);
  if (!error) {
    error = files.open_beneath(what.path, keeping, start);
  }
  if (error) {
    reason = error.message();
    return error;
  }
  job.state_ = std::make_unique<prepared::state>(
      prepared::state{std::move(lock), std::move(start), tidy(what.path), std::move(*matcher),
                      what.max_matches, std::move(keeping)});
  return {};
}

std::error_code scan(const context& ctx, prepared job, sink& out, summary& sum) {
  // Moved here so that it is destroyed at the end of this function; the compiler may destroy
  // parameters later.
  const std::unique_ptr<prepared::state> state = std::move(job.state_);
  sum = summary();
  tree_walk walk(ctx, state->matcher, state->max_matches, state->keeping, out, sum);
  return walk.run(std::move(state->start), std::move(state->path));
}

}  // namespace hangup::search
