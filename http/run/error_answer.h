// The bodies of the answers that the server makes itself: what options::make_error makes, else
// problems. Not for users.
#pragma once

#include <string>
#include <string_view>

#include "hangup/http/error_page.h"
#include "hangup/http/options.h"
#include "hangup/http/reply.h"
#include "http/wire/answer_head.h"

namespace hangup::http {

// A complete answer of the server's own, with the default headers. `head`: of the request; null: it
// is not known.
std::string whole_error(const options& how, problem_answer a, const request* head);

// Turns the reply into the answer to this error, in place of any body. Headers stay.
void answer_error(reply& res, const options& how, const server_error& e);

// Throws std::invalid_argument, with the reason, for options::default_headers that cannot be sent.
void check_default_headers(const options& how);
// Leaves those out.
void drop_unfit_default_headers(options& how);

}  // namespace hangup::http
