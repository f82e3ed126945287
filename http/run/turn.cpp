#include "http/run/turn.h"

#include <poll.h>

#include "hangup/context/wait.h"
#include "hangup/http/problem.h"
#include "http/run/form.h"
#include "http/run/gzip.h"
#include "http/wire/header_list.h"

namespace hangup::http {
namespace {

void clear(httplib::Response& res) {
  res = {};
  res.version = "HTTP/1.1";
}

// A status of 1xx cannot end a request (RFC 9110 15.2).
bool is_final(int status) noexcept {
  return status >= 200 && status < 600;
}

// cpp-httplib 0.18.5 and later offer this to handlers.
template <class Request>
void let_it_ask(Request& req, const context& ctx) {
  if constexpr (requires { req.is_connection_closed; }) {
    req.is_connection_closed = [&ctx] { return ctx.done(); };
  }
}

}  // namespace

bool turn::run() {
  auto& req = *c_.incoming;
  let_it_ask(req, x_.ctx);
  httplib::Response res;
  res.version = "HTTP/1.1";
  bool says_something = true;
  if (read_body(req, res)) {
    if (!on_the_spot_ && how_.read_ahead > 0) {
      ears_.read_ahead(c_.fd(), c_);  // so that an end after the bytes that arrive is noticed
    }
    call(req, res);
    if (x_.ctx.done() && res.status == -1 && res.body.empty() && !res.content_provider_) {
      says_something = answer_for_ended(res);
    }
  } else {
    c_.session.close_after();
    says_something = x_.ctx.done() ? answer_for_ended(res) : refuse_body(res);
  }
  if (!says_something) {
    return false;
  }
  out_.prepare(req, res);
  if (res.status >= 400 && res.body.empty() && !res.content_provider_) {
    set_problem(res, res.status, usual_detail(res.status), x_.stamp.id);
  }
  compress(req, res);
  if (!res.content_provider_) {  // otherwise the work goes on in the provider
    x_.work_ended = clock::now();
  }
  x_.status = res.status;
  if (draining_) {
    c_.session.close_after();
  }
  return out_.write(req, res);
}

// For a body that is too large to be complete before the handler runs: a worker reads the rest.
// Returns false if that is not possible, or if `res` says what is wrong with the body.
bool turn::read_body(httplib::Request& req, httplib::Response& res) {
  if (!c_.session.wants_body()) {
    return true;
  }
  const auto& body = c_.session.body();
  if (!body.complete()) {
    ears_.stop_reading(c_.fd());
    while (c_.session.take_body() && !body.complete()) {
      if (!await_body()) {
        return false;
      }
    }
    if (!body.complete()) {
      return false;
    }
  }
  req.body = c_.session.release_body();
  switch (read_form(req)) {
    case form_is::none:
    case form_is::read:
      return true;
    case form_is::malformed:
      set_problem(res, 400, "the body is not the form that its Content-Type says", x_.stamp.id);
      return false;
    case form_is::too_many_fields:
      set_problem(res, 413,
                  "the form has more than " + std::to_string(most_form_fields) + " fields",
                  x_.stamp.id);
      return false;
  }
  return false;
}

// Waits until more of the body has arrived.
bool turn::await_body() {
  while (!on_the_spot_) {
    switch (const auto how = c_.receive()) {
      case connection::io::some:
        return true;
      case connection::io::again:
        if (const auto ec = wait_fd(x_.ctx, c_.fd(), POLLIN, c_.coming.wait(clock::now()))) {
          body_late_ = ec == std::errc::timed_out && !x_.ctx.done();
          return false;
        }
        break;
      case connection::io::closed:
      case connection::io::cut_off:
      case connection::io::failed:
        c_.client_left(c_.seen_by(how));
        return false;
    }
  }
  return false;
}

bool turn::refuse_body(httplib::Response& res) {
  if (res.status != -1) {
    return true;  // the body has been read and refused
  }
  if (body_late_) {
    x_.over = limit::body_time;
    set_problem(res, 408, "the request did not arrive in time", x_.stamp.id);
  } else {
    const auto why = c_.session.body().why();
    x_.over = why.over;
    set_problem(res, why.status, why.detail, x_.stamp.id);
  }
  return true;
}

void turn::call(const httplib::Request& req, httplib::Response& res) {
  try {
    x_.to.answer(x_.ctx, req, res);
    if (res.status != -1 && !is_final(res.status)) {
      fail(res, ("the handler has answered with status " + std::to_string(res.status)).c_str());
    }
  } catch (const canceled_error& e) {
    if (x_.ctx.done()) {
      clear(res);  // an unfinished answer of the handler is discarded
    } else {       // another context than the request's has ended
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
}

// A part of the request's work, like the handler: it stops when the context ends.
void turn::compress(const httplib::Request& req, httplib::Response& res) {
  constexpr std::size_t worth_it = 1024;
  if (!x_.to.compress || on_the_spot_ || res.content_provider_) {
    return;
  }
  // What is offered in ranges has only one form, because parts of two forms cannot be combined.
  if (res.body.size() < worth_it || res.has_header("Accept-Ranges") ||
      res.has_header("Content-Encoding")) {
    return;
  }
  res.set_header("Vary", "Accept-Encoding");
  if (!takes_gzip(joined(req.headers, "Accept-Encoding"))) {
    return;
  }
  if (auto smaller = gzipped(x_.ctx, res.body)) {
    res.body = std::move(*smaller);
    res.set_header("Content-Encoding", "gzip");
    if (const auto tag = res.get_header_value("ETag"); tag.substr(0, 1) == "\"") {
      res.headers.erase("ETag");  // a strong ETag belongs to the other form (RFC 9110 8.8.3)
      res.set_header("ETag", "W/" + tag);
    }
  }
}

void turn::fail(httplib::Response& res, const char* what) {
  x_.broken = what;
  clear(res);
  set_problem(res, 500, usual_detail(500), x_.stamp.id);
}

// The work has stopped, or never began, without an answer: tells the client why, if it is still
// there. Returns false if it is not.
bool turn::answer_for_ended(httplib::Response& res) {
  const auto status = status_of(end_of(x_.ctx.cause()->kind));
  if (status == 503) {
    res.set_header("Retry-After", "1");
  }
  if (status != 0) {
    set_problem(res, status, status == 503 ? "the server ended this request" : usual_detail(status),
                x_.stamp.id);
  }
  return status != 0;
}

}  // namespace hangup::http
