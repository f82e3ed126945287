// The blocks of pages that need the server, compiled: see cmake/page_examples.cmake.
#include <chrono>
#include <iostream>
#include <optional>
#include <string>

#include "hangup/context/wait.h"
#include "hangup/http/context_of.h"
#include "hangup/http/hosted.h"
#include "hangup/http/httplib_handler.h"
#include "hangup/http/problem.h"
#include "hangup/http/server.h"
#include "hangup/worker/loop.h"
#include "hangup/worker/pool.h"

namespace page_examples {

namespace http = hangup::http;
using hangup::context;
using namespace std::chrono_literals;

namespace of_library {
#include "docs/library.md/orders.functions"
#include "docs/library.md/prices.functions"
void add_prices(http::server& server) {
#include "docs/library.md/prices.body"
}
}  // namespace of_library

namespace of_guards {
void add_guard(http::server& server) {
#include "docs/guards-and-errors.md/guard.body"
}
void of_headers() {
#include "docs/guards-and-errors.md/headers.body"
}
void of_errors(http::options& how) {
#include "docs/guards-and-errors.md/errors.body"
}
}  // namespace of_guards

namespace of_moving {
std::string made_for(const context& ctx, const std::string& what);
#include "docs/cpp-httplib.md/moving.functions"
void add(http::server& server, hangup::pool& reports) {
#include "docs/cpp-httplib.md/moving.body"
}
}  // namespace of_moving

namespace of_cpp_httplib {
void add_stream(httplib::Server& server) {
#include "docs/cpp-httplib.md/events.body"
}
void set_options(http::hosted<httplib::Server>& server) {
#include "docs/cpp-httplib.md/options.body"
}
void leave(const context& ctx, httplib::Response& res) {
#include "docs/cpp-httplib.md/stopped.body"
}
}  // namespace of_cpp_httplib

namespace of_tasks {
using namespace hangup;
task<std::string> fetch(context ctx, int fd);
void show(const std::string& text);
task<> prices(context ctx, hangup::http::request& req, hangup::http::reply& res);
void ways_to_run(const context& ctx, int fd, hangup::http::server& server) {
#include "docs/tasks.md/ways_to_run.body"
}
}  // namespace of_tasks

namespace of_examples {
using hangup::sleep_for;
#include "examples/README.md/handler.functions"
void add(http::server& server, hangup::pool& slow) {
#include "examples/README.md/handler.body"
}
}  // namespace of_examples

}  // namespace page_examples
