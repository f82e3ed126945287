// The examples of http/, compiled: see cmake/header_examples.cmake.
#include <string_view>

#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/path_pattern.h"
#include "hangup/http/server.h"
#include "hangup/worker/pool.h"

namespace header_examples {

void make_report(const hangup::context& ctx, const httplib::Request& req, httplib::Response& res);

std::error_code of_server();
std::error_code of_server() {
#include "include/hangup/http/server.h.example"
}

using hangup::http::path_pattern;
bool of_path_pattern(const httplib::Request& req);
bool of_path_pattern(const httplib::Request& req) {
#include "include/hangup/http/path_pattern.h.example"
  return id.has_value();
}

}  // namespace header_examples
