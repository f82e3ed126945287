// Which handler answers what, where it runs, and for how long at most.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "context/context.h"
#include "http/half_close.h"
#include "http/httplib.h"
#include "http/path_pattern.h"
#include "worker/pool.h"

namespace hangup::http {

// A handler of cpp-httplib with a context in front. It looks at the context, or passes it to what
// waits, and returns when the context has ended; then it need not answer (and if it does, the
// answer is sent where that is still possible). canceled_error may leave it, other exceptions are a
// 500.
using handler =
    std::function<void(const context& ctx, const httplib::Request& req, httplib::Response& res)>;

struct route {
  std::string method;  // GET answers HEAD as well
  // The whole decoded path, "/query/sim", or a pattern of it, "/jobs/{id}" (path_pattern.h). Also
  // the route's name in metrics: a pattern is one name, whatever clients put in its place.
  std::string path;
  // Where the handler runs. Null: on the spot, on the thread that read the request: for answers
  // that are small and at hand, because other connections wait meanwhile.
  pool* runs_on = nullptr;
  std::chrono::milliseconds deadline{0};  // from the whole head to the end of the work; 0: none,
                                          // or options::spot_deadline
  std::optional<half_close> on_half_close{};  // else what options says
  // Only for a target that spells the path without percent-encodings, 404 else: for what a proxy in
  // front keeps back by its path, because not every proxy decodes before it compares.
  bool as_written = false;
  // Answers that are whole in memory go out as gzip to whom takes that. In a pool only: what it
  // costs is a part of the request's work.
  bool compress = false;
  handler answer{};
  std::size_t index = 0;  // set by the table: 1, 2 ... in the order of add()
};

// Constant-time look-up by path, and a comparison for each pattern where no path fits. Filled
// before the server starts, then only read.
class route_table {
 public:
  struct found {
    const route* to = nullptr;
    // Without a route: the methods that the path has, of all paths for "*"; empty if it is unknown.
    // OPTIONS is one of them.
    std::string allow{};
  };

  route_table();

  // Throws std::invalid_argument for a path that does not start with '/', a pattern that is none, a
  // method that is not served, and a second handler for the same method and path. A path goes
  // before a pattern that fits as well, and of several patterns the one that was added first.
  void add(route r);

  // `encoded`: the path stood with percent-encodings in the target.
  found find(std::string_view method, const std::string& path, bool encoded = false) const;

  // The route that requests without one are counted under: path "none", index 0.
  const route& none() const noexcept { return *routes_.front(); }
  std::vector<const route*> all() const;  // in the order of their index, none() first

 private:
  using by_method = std::vector<const route*>;  // of one path
  by_method& at(const std::string& path);
  const by_method* matching(const std::string& path) const;

  std::vector<std::unique_ptr<route>> routes_;
  std::unordered_map<std::string, by_method> by_path_;
  std::vector<std::pair<path_pattern, by_method>> by_pattern_;
};

}  // namespace hangup::http
