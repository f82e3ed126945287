#include "server/index_page.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "hangup/http/path_pattern.h"
#include "hangup/http/reply.h"
#include "hangup/version.h"
#include "http/wire/header_list.h"
#include "server/live_page.h"
#include "server/route_descriptions.h"

namespace hangup::server {
namespace {

using ordered = nlohmann::ordered_json;

constexpr const char* documentation = "docs/routes.md";  // in the source tree

struct entry {
  const http::route* to;
  const route_description* about;
  std::string_view works;  // the example of the description; empty: it is answered with 404 here

  // One of the description that is of this very route, not of another database.
  std::string_view example() const {
    return works.substr(0, works.find('?')) == to->path ? works : std::string_view();
  }
};

// "/query/{database}" describes "/query/sqlite".
bool describes(const route_description& d, const http::route& r) {
  if (d.method != r.method) {
    return false;
  }
  return d.path == r.path ||
         (d.path.find('{') != std::string_view::npos && r.path.find('{') == std::string::npos &&
          http::path_pattern(std::string(d.path)).match(r.path));
}

bool has_a_name_of_its_own(const http::route& r) {
  for (const auto& d : route_descriptions()) {
    if (d.method == r.method && d.path == r.path) {
      return true;
    }
  }
  return false;
}

std::vector<entry> entries_of(const http::server& server, bool with_fanout) {
  std::vector<entry> all;
  for (const auto& d : route_descriptions()) {
    for (const auto* r : server.routes()) {
      if (describes(d, *r) && (d.path == r->path || !has_a_name_of_its_own(*r))) {
        const bool works = with_fanout || d.path != "/fanout";
        all.push_back({r, &d, works ? d.example : std::string_view()});
      }
    }
  }
  return all;
}

// Without the marks of Markdown: "see [metrics](metrics.md)" is "see docs/metrics.md".
std::string plain(std::string_view markdown) {
  std::string text;
  for (std::size_t i = 0; i < markdown.size(); ++i) {
    const char c = markdown[i];
    const auto target = c == '[' ? markdown.find("](", i) : std::string_view::npos;
    if (const auto end = markdown.find(')', std::min(target, markdown.size()));
        end != std::string_view::npos) {
      text.append("docs/").append(markdown.substr(target + 2, end - target - 2));
      i = end;
    } else if (c != '`') {
      text.push_back(c);
    }
  }
  return text;
}

std::string as_json(const std::vector<entry>& all) {
  auto routes = ordered::array();
  for (const auto& e : all) {
    ordered one = {
        {"method", e.to->method}, {"path", e.to->path}, {"answer", plain(e.about->answer)}};
    if (!e.example().empty()) {
      one["example"] = e.example();
    }
    routes.push_back(std::move(one));
  }
  const ordered page = {{"name", "hangup"},
                        {"version", HANGUP_VERSION},
                        {"documentation", documentation},
                        {"routes", std::move(routes)}};
  return page.dump(2) + "\n";
}

std::string as_text(const std::vector<entry>& all) {
  std::string text =
      "hangup " HANGUP_VERSION ", an HTTP server whose work stops when the client hangs up\n\n";
  for (const auto& e : all) {
    text.append(e.to->method).append(" ").append(e.to->path).append("\n    ");
    text.append(plain(e.about->answer)).append("\n");
    if (!e.example().empty()) {
      text.append("    Example: ").append(e.example()).append("\n");
    }
  }
  return text.append("\nParameters of each: ")
      .append(documentation)
      .append(" in the source tree. This list as JSON: Accept: application/json\n");
}

bool wants_json(const http::request& req) {
  const auto accept = req.header_list("Accept");
  const auto json = http::weight_of_type(accept, "application/json");
  return json.weight > 0 && json.exact > 0 && !(http::weight_of_type(accept, "text/plain") > json);
}

}  // namespace

void add_index_page(http::server& server, bool with_fanout, page_pool pages) {
  server.handle({.method = "GET",
                 .path = "/",
                 .runs_on = &pages.on,
                 .deadline = pages.deadline,
                 .serves = http::audience::operators,
                 .answer = [&server, with_fanout](const context&, const http::request& req,
                                                  http::reply& res) {
                   res.set("Vary", "Accept");
                   if (prefers_live_page(req)) {
                     answer_live_page(req, res);
                     return;
                   }
                   const auto all = entries_of(server, with_fanout);
                   res.set("Cache-Control", "no-store");
                   if (wants_json(req)) {
                     res.body("application/json", as_json(all));
                   } else {
                     res.body("text/plain; charset=utf-8", as_text(all));
                   }
                 }});
}

}  // namespace hangup::server
