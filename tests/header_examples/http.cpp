// The examples of http/, compiled: see cmake/header_examples.cmake.
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "hangup/context/signal.h"
#include "hangup/context/wait.h"
#include "hangup/http/form.h"
#include "hangup/http/hosted.h"
#include "hangup/http/httplib_handler.h"
#include "hangup/http/path_pattern.h"
#include "hangup/http/server.h"
#include "hangup/worker/pool.h"

namespace header_examples {

void of_start_error(hangup::http::server& server);
void of_start_error(hangup::http::server& server){
#include "include/hangup/http/start_error.h.example"
}

hangup::http::options of_error_page();
hangup::http::options of_error_page() {
#include "include/hangup/http/error_page.h.example"
  return how;
}

using hangup::http::path_pattern;
bool of_path_pattern(const hangup::http::request& req);
bool of_path_pattern(const hangup::http::request& req) {
#include "include/hangup/http/path_pattern.h.example"
  return id.has_value();
}

bool of_request(const hangup::http::request& req);
bool of_request(const hangup::http::request& req) {
#include "include/hangup/http/request.h.example"
  return wants_csv && !limit.empty();
}

hangup::task<> save(const hangup::context& ctx, std::string_view piece);
hangup::task<> of_read(hangup::context ctx, hangup::http::request& req);
hangup::task<> of_read(hangup::context ctx, hangup::http::request& req) {
#include "include/hangup/http/request.h.inner.example"
}

void keep(const std::string& name, const std::string& value);
void of_form(const hangup::http::request& req);
void of_form(const hangup::http::request& req) {
#include "include/hangup/http/form.h.example"
}

namespace of_reply {
namespace http = hangup::http;
void report(const hangup::context&, const http::request& req, http::reply& res);
#include "include/hangup/http/reply.h.example"
hangup::task<> of_pieces(hangup::context ctx, const std::vector<std::string>& rows,
                         http::reply& res);
hangup::task<> of_pieces(hangup::context ctx, const std::vector<std::string>& rows,
                         http::reply& res) {
#include "include/hangup/http/reply.h.inner.example"
}
}  // namespace of_reply

namespace of_deferred {
namespace http = hangup::http;
void start_query(const std::string& of, const std::function<void(const std::string& rows)>& done);
void rows(const hangup::context&, const http::request& req, http::reply& res);
#include "include/hangup/http/deferred.h.example"
}  // namespace of_deferred

namespace of_httplib_handler {
std::string made_for(const hangup::context& ctx, const std::string& what);
void report(const hangup::context& ctx, const httplib::Request& req, httplib::Response& res);
#include "include/hangup/http/httplib_handler.h.example"
}  // namespace of_httplib_handler

namespace of_hosted {
void make_report(const hangup::context& ctx, httplib::Response& res);
void serve();
void serve() {
#include "include/hangup/http/hosted.h.example"
}
}  // namespace of_hosted

}  // namespace header_examples
