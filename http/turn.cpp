#include "http/turn.h"

#include "http/problem.h"

namespace hangup::http {
namespace {

void clear(httplib::Response& res) {
  res = {};
  res.version = "HTTP/1.1";
}

}  // namespace

void turn::answer(httplib::Request& req, httplib::Response& res) {
  if (c_.body.refused()) {  // cpp-httplib 0.18 lets a trailer pass that we do not
    res.status = 400;       // error() says the rest
    return;
  }
  answered_ = true;
  stream.leave_input();
  req.path = c_.path;
  req.target = x_.target;
  try {
    x_.to.answer(x_.ctx, req, res);
  } catch (const canceled_error& e) {
    if (x_.ctx.done()) {
      clear(res);  // what it had begun to say is not an answer
    } else {       // a context of the handler's own has ended, not the request's
      fail(res, e.what());
    }
  } catch (const problem_error& e) {
    x_.broken = e.what();
    clear(res);
    if (e.status() == 503) {
      res.set_header("Retry-After", "1");
    }
    set_problem(res, e.status(), e.what(), x_.stamp.id);
  } catch (const std::exception& e) {
    fail(res, e.what());
  } catch (...) {
    fail(res, "an exception that is not a std::exception");
  }
  if (!res.content_provider_) {  // else the work goes on in there
    x_.work_ended = clock::now();
  } else if (res.status == -1) {
    res.status = 200;  // a stream has no ranges
  }
  if (x_.ctx.done() && res.status == -1 && res.body.empty()) {
    answer_for_ended(res);
  }
}

void turn::error(httplib::Response& res) {
  if (!answered_) {  // cpp-httplib could not read the body: it says 400, we know better
    c_.keep_alive = false;
    if (x_.ctx.done()) {
      answer_for_ended(res);
    } else if (stream.body_late()) {
      res.status = 408;
    } else if (c_.body.state() == body_scan::result::too_large) {
      res.status = 413;
      x_.over = limit::body_bytes;
    }
  }
  if (res.body.empty() && !res.content_provider_) {
    set_problem(res, res.status, usual_detail(res.status), x_.stamp.id);
  }
}

void turn::answering(httplib::Response& res) {
  x_.status = res.status;
  if (res.content_provider_ && !res.is_chunked_content_provider_ && res.content_length_ == 0) {
    c_.keep_alive = false;  // such a body ends with the connection
  }
  res.headers.erase("Keep-Alive");  // cpp-httplib's own limits, which are not ours
  res.headers.erase("Connection");  // decided when the request came: a drain may have begun since
  c_.keep_alive = c_.keep_alive && !draining_;
  if (!c_.keep_alive) {
    res.set_header("Connection", "close");
  }
  res.set_header("X-Request-Id", x_.stamp.id);
  if (!res.content_provider_) {
    x_.life.advance(request_state::writing);
    if (!res.body.empty() && !c_.is_head) {
      stream.expect_body();
    }
  }
}

void turn::fail(httplib::Response& res, const char* what) {
  x_.broken = what;
  clear(res);
  set_problem(res, 500, usual_detail(500), x_.stamp.id);
}

// The work has stopped, or never began, and has said nothing: who is still there gets to know why.
void turn::answer_for_ended(httplib::Response& res) {
  switch (x_.ctx.cause()->kind) {
    case cause_kind::deadline:
      set_problem(res, 504, usual_detail(504), x_.stamp.id);
      break;
    case cause_kind::shutdown:
    case cause_kind::signal:
    case cause_kind::operator_request:
      res.set_header("Retry-After", "1");
      set_problem(res, 503, "the server ended this request", x_.stamp.id);
      break;
    default:
      stream.mute();
  }
}

}  // namespace hangup::http
