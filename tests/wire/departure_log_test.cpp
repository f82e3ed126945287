// What loggers may do with the answers that they are told of.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "hangup/http/detail/httplib_hook.h"

namespace hangup::wire {
namespace {

using httplib::Request;
using httplib::Response;

// As the engine of a newer version calls it: before anything of the answer has been sent.
TEST(log_of_departures, may_keep_copies_of_an_answer_that_is_streamed) {
  int told = 0;
  int released = 0;
  std::vector<Response> copies;
  const auto log = http::log_departures([&](const Request&, const Response& res) {
    ++told;
    const Response dropped = res;
    copies.push_back(res);
  });
  {
    Request req;
    req.response_handler =
        http::detail::kept_context{background(), std::make_shared<http::detail::answer_progress>()};
    std::optional<Response> res(std::in_place);
    res->set_chunked_content_provider(
        "text/plain", [](std::size_t, httplib::DataSink&) { return true; },
        [&](bool) { ++released; });
    log(req, *res);
    EXPECT_EQ(told, 0) << "what is sent may be long under way";
    res.reset();
    EXPECT_EQ(told, 1);
  }
  copies.clear();  // the request and the answer are gone
  EXPECT_EQ(told, 1);
  EXPECT_GE(released, 1);
}

}  // namespace
}  // namespace hangup::wire
