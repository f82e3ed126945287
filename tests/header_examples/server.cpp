// The example of server.h by itself: it says all that it needs. See cmake/header_examples.cmake.
#include "include/hangup/http/server.h.includes"

namespace header_examples {

void make_report(const hangup::context& ctx, const hangup::http::request& req,
                 hangup::http::reply& res);

std::error_code of_server();
std::error_code of_server() {
#include "include/hangup/http/server.h.example"
}

}  // namespace header_examples
