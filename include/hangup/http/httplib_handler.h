// For handlers of cpp-httplib, which keep their types and get a context in front:
//
//   void report(const hangup::context& ctx, const httplib::Request& req, httplib::Response& res) {
//     res.set_content(made_for(ctx, req.get_param_value("of")), "text/plain");
//   }
//
// It is the `answer` of a route like any other (handler.h). The request is filled from what was
// checked, and the answer is written by hangup. Both live until the content provider, if there is
// one, has returned.
//
// What differs from cpp-httplib's own server: Parameters are those of the query and of a form in
// the body (form.h). A body that is not the form that its Content-Type says is refused with 400,
// and one with too many fields with 413, before the handler is called. A range is sent only if the
// answer has "Accept-Ranges: bytes". Headers whose name is not a token are left out, and control
// characters in a value are sent as spaces. Headers that the connection sets itself are ignored,
// but for the Content-Length of an answer to HEAD. A status below 200 or above 599 is a 500.
#pragma once

#include <string>
#include <string_view>

#include "hangup/context/context.h"
#include "hangup/http/handler.h"
#include "hangup/http/httplib.h"
#include "hangup/http/reply.h"

namespace hangup::http {

// Makes the answer a stream of this content type: as reply::stream() does.
void stream(const context& ctx, const httplib::Request& req, httplib::Response& res,
            const std::string& content_type, producer produce);

// Turns the answer into this problem: as reply::problem() does.
void set_problem(httplib::Response& res, int status, std::string_view detail,
                 std::string_view request_id);

}  // namespace hangup::http
