#include "server/request_pages.h"

#include "hangup/http/reply.h"
#include "hangup/http/request.h"
#include "server/ended_page.h"
#include "server/in_flight_page.h"

namespace hangup::server {

void add_request_pages(http::server& server, const ended_requests& ended, page_pool pages,
                       const std::string& instance) {
  using http::reply;
  using http::request;
  server.handle({.method = "GET",
                 .path = "/requests",
                 .runs_on = &pages.on,
                 .deadline = pages.deadline,
                 .as_written = true,
                 .serves = http::audience::operators,
                 .answer = [&server, instance](const context&, const request& req, reply& res) {
                   show_in_flight(server, instance, req, res);
                 }});
  server.handle({.method = "GET",
                 .path = "/requests/ended",
                 .runs_on = &pages.on,
                 .deadline = pages.deadline,
                 .as_written = true,
                 .serves = http::audience::operators,
                 .answer = [&ended, instance](const context&, const request& req, reply& res) {
                   show_ended(ended, instance, req, res);
                 }});
}

}  // namespace hangup::server
