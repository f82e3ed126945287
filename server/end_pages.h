// DELETE /requests/{number} and DELETE /requests: an operator ends requests in flight.
#pragma once

#include <string>

#include "hangup/http/request.h"
#include "hangup/http/server.h"
#include "server/pages.h"

namespace hangup::server {

// Adds both. The cause of these ends is causes::operator_request with the reason that was given,
// and who has asked is reported with them (request_report::by).
//
//   DELETE /requests/{number}?reason=&server=   202: it stops, also if it did before; 404: there is
//                                       none, or `server` is not `instance`: then it was a request
//                                       of a server that has gone, and this one has used its number
//                                       again
//   DELETE /requests?route=&older_than_ms=&reason=   202 and how many; needs one of the first two.
//                                       Requests for operators' pages are left alone
//
// A page of another origin gets a 403 (handlers/own_pages.h). With a token a replica may say for
// whom it asks (asking_client.h).
void add_end_pages(http::server& server, page_pool pages, bool with_token,
                   const std::string& instance);

// What is wrong with the parameters of DELETE /requests; empty: nothing is.
std::string wrong_with_ending_many(const http::request& req);

}  // namespace hangup::server
