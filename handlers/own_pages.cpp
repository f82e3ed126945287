#include "handlers/own_pages.h"

#include <string>
#include <string_view>

#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "http/wire/grammar.h"

namespace hangup::handlers {

// Browsers send each of these once. What has two of one is no program that can be believed.
bool is_asked_by_another_page(const http::request& req) {
  if (req.count_header("Sec-Fetch-Site") > 1 || req.count_header("Origin") > 1) {
    return true;
  }
  if (const auto site = req.header("Sec-Fetch-Site")) {
    return site != "same-origin" && site != "none";
  }
  const auto origin = req.header("Origin");
  if (!origin) {
    return false;
  }
  const auto scheme = origin->find("://");
  if (scheme == std::string_view::npos) {
    return true;
  }
  // Without TLS here a proxy may have it, and the page comes by https.
  const auto by = origin->substr(0, scheme);
  const bool may_be = http::equals_ignoring_case(by, "https") ||
                      (!req.is_tls() && http::equals_ignoring_case(by, "http"));
  return !may_be ||
         !http::equals_ignoring_case(origin->substr(scheme + 3), req.header("Host").value_or(""));
}

namespace {

// Whether it is refused; then the reply says so.
bool refused(const http::request& req, http::reply& res) {
  const bool is = is_asked_by_another_page(req);
  if (is) {
    res.problem(403, std::string(told_another_page));
  }
  return is;
}

task<> answer_own_page(const http::handler& h, const context& ctx, http::request& req,
                       http::reply& res) {
  if (!refused(req, res)) {
    co_await h.begin(ctx, req, res);
  }
}

}  // namespace

http::handler for_own_pages(http::handler h) {
  if (h.is_task()) {
    return [h = std::move(h)](const context& ctx, http::request& req, http::reply& res) -> task<> {
      return answer_own_page(h, ctx, req, res);
    };
  }
  return [h = std::move(h)](const context& ctx, const http::request& req, http::reply& res) {
    if (!refused(req, res)) {
      h(ctx, req, res);
    }
  };
}

}  // namespace hangup::handlers
