#include "handlers/own_pages.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "hangup/http/problem.h"
#include "hangup/http/request.h"

namespace hangup::handlers {
namespace {

bool same_in_any_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

bool asked_by_another_page(const httplib::Request& req) {
  if (req.has_header("Sec-Fetch-Site")) {
    const auto site = req.get_header_value("Sec-Fetch-Site");
    return site != "same-origin" && site != "none";
  }
  if (!req.has_header("Origin")) {
    return false;
  }
  const auto origin = req.get_header_value("Origin");
  const auto scheme = origin.find("://");
  return scheme == std::string::npos ||
         !same_in_any_case(std::string_view(origin).substr(scheme + 3),
                           req.get_header_value("Host"));
}

}  // namespace

http::handler for_own_pages(http::handler h) {
  return
      [h = std::move(h)](const context& ctx, const httplib::Request& req, httplib::Response& res) {
        if (asked_by_another_page(req)) {
          http::set_problem(res, 403, "a page of another origin may not ask for this",
                            http::request_id(ctx));
          return;
        }
        h(ctx, req, res);
      };
}

}  // namespace hangup::handlers
