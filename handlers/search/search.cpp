#include "handlers/search/search.h"

#include <nlohmann/json.hpp>

#include "handlers/parameters.h"
#include "handlers/search/file_search.h"
#include "handlers/search/path_text.h"
#include "hangup/http/reply.h"
#include "hangup/http/request.h"

namespace hangup::handlers {
namespace {

using json = nlohmann::ordered_json;

std::string line_of(const json& j) {  // bytes that are not UTF-8 are replaced
  return j.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

int status_of(std::error_code refused) noexcept {
  if (refused.category() != search::search_category()) {
    return 503;  // no descriptors or no memory left
  }
  switch (static_cast<search::errc>(refused.value())) {
    case search::errc::bad_pattern:
    case search::errc::bad_path:
      return 400;
    case search::errc::outside_root:
    case search::errc::not_searchable:
    case search::errc::unreadable:
    case search::errc::kept_out:
      return 403;
    case search::errc::not_found:
      return 404;
    case search::errc::locked:
      return 503;
  }
  return 500;
}

// Collects lines, and sends them whenever the search pauses or enough have been collected.
class lines_out final : public search::sink {
 public:
  lines_out(const context& ctx, http::body_writer& out) : ctx_(ctx), out_(out) {}

  std::error_code on_match(const search::match& found) override {
    json j = {
        {"path", search::text_of_path(found.path)}, {"line", found.line}, {"text", found.text}};
    if (found.truncated) {
      j["truncated"] = true;
    }
    lines_.append(line_of(j));
    constexpr std::size_t worth_a_write = 16 * 1024;
    return lines_.size() < worth_a_write ? std::error_code{} : idle();
  }

  std::error_code idle() override {
    if (lines_.empty()) {
      return {};
    }
    const auto sent = out_.write(ctx_, lines_);
    lines_.clear();
    return sent;
  }

  std::error_code finish(const search::summary& sum) {
    const auto& s = sum.skipped;
    lines_.append(line_of({{"summary",
                            {{"files", sum.files},
                             {"bytes", sum.bytes},
                             {"matches", sum.matches},
                             {"limit_reached", sum.limit_reached},
                             {"skipped",
                              {{"binary", s.binary},
                               {"symlink", s.symlink},
                               {"special", s.special},
                               {"unreadable", s.unreadable},
                               {"vanished", s.vanished},
                               {"too_deep", s.too_deep},
                               {"mount", s.mount},
                               {"kept_out", s.kept_out}}}}}}));
    return idle();
  }

 private:
  const context& ctx_;
  http::body_writer& out_;
  std::string lines_;
};

}  // namespace

http::handler search(std::shared_ptr<const search::root> files, std::uint64_t most_matches) {
  return [files = std::move(files), most_matches](const context&, const http::request& req,
                                                  http::reply& res) {
    parameters p(req);
    search::query q;
    q.pattern = p.text("pattern", 1000);
    // A byte of the path may become three bytes of text.
    q.path = search::path_of_text(p.text_or("path", ".", 3 * search::max_path));
    q.regex = p.flag("regex", false);
    q.max_matches = p.number("max_matches", most_matches, 1, most_matches);
    if (!p.problem().empty()) {
      res.problem(400, p.problem());
      return;
    }
    const auto job = std::make_shared<search::prepared>();
    std::string reason;
    if (const auto refused = search::prepare(*files, q, *job, reason)) {
      if (refused == search::errc::bad_pattern) {
        reason = wrong_parameter(
            "pattern", shown_text(q.pattern),
            (q.regex ? "a regular expression of RE2: " : "a text within one line: ") + reason);
      } else if (refused == search::errc::bad_path) {
        reason = wrong_parameter("path", shown_text(q.path), "a path that a file can have");
      }
      const int status = status_of(refused);
      if (status == 503) {
        res.set("Retry-After", "1");
      }
      res.problem(status, reason);
      return;
    }
    if (req.method() == "HEAD") {  // nothing will be produced, so do not keep the lock
      *job = {};
    }
    res.stream("application/x-ndjson", [job](const context& c, http::body_writer& out) {
      lines_out lines(c, out);
      search::summary sum;
      if (const auto ec = search::scan(c, std::move(*job), lines, sum)) {
        http::work_stopped(c);
        return ec;
      }
      return lines.finish(sum);
    });
  };
}

}  // namespace hangup::handlers
