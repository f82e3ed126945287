// The processing of one request on a thread: reads the rest of its body, calls the handler, and
// turns the outcome (an answer, an exception, or nothing because the context has ended) into an
// answer to the client. For handlers that are tasks: task_run.h. Not for users.
#pragma once

#include <atomic>

#include "hangup/http/options.h"
#include "http/run/answer_writer.h"
#include "http/session/connection.h"

namespace hangup::http {

class handler_run {
 public:
  // `draining`: the answer closes its connection. `on_the_spot`: this thread must not wait. The
  // connection must have a request in flight, with `incoming` set.
  handler_run(connection& c, const options& how, watcher& hears, const std::atomic<bool>& draining,
              bool on_the_spot) noexcept
      : c_(c),
        x_(c.in_flight()),
        how_(how),
        watcher_(hears),
        draining_(draining),
        on_the_spot_(on_the_spot),
        out_(c, how, on_the_spot) {}

  // Returns true if the whole answer has been sent. Rethrows what the producer of a stream throws.
  // If the handler has deferred its answer, sets connection::later, and sends nothing.
  bool run();
  // The same for the answer that was deferred, or for the end of the context without one.
  bool run_deferred();
  // Whether any part of the answer has been sent.
  bool wrote() const noexcept { return out_.wrote(); }

 protected:
  // Whether the whole body is there, or is not for the handler.
  bool has_body() const noexcept {
    return !c_.session.wants_body() || c_.session.body().complete();
  }
  // Reads once. If the client has left, ends the context.
  connection::io receive();
  // Waits until more of the body has arrived. Returns false if it does not come.
  bool await_body();
  // Lets the watcher read what arrives, so that an end behind it is noticed, until stop_reading().
  void read_ahead() noexcept;
  // The context has ended, or the body cannot be had. Returns false if nobody is there to be told.
  bool answer_without_body(reply& res);
  // What `make` throws becomes the answer.
  template <class Make>
  void call(const Make& make, reply& res) {
    try {
      make();
    } catch (...) {
      caught(res);
    }
  }
  // For a handler that has returned: false if nobody is there to be told.
  bool says_something(reply& res);
  // Decides all about the answer but how it is framed.
  void prepare(const request& req, reply& res);
  // The answer is an error, of the server's own.
  void refuse(reply& res, int status, std::string_view detail);
  void fail(reply& res, const char* what);

 private:
  void caught(reply& res);
  bool read_body();
  bool refuse_body(reply& res);
  bool send(const request& req, reply& res);
  void decide_on_the_connection();
  void compress(const request& req, reply& res);
  bool answer_for_ended(reply& res);

 protected:
  connection& c_;
  exchange& x_;
  const options& how_;
  watcher& watcher_;

 private:
  const std::atomic<bool>& draining_;
  const bool on_the_spot_;

 protected:
  answer_writer out_;
  bool body_late_ = false;  // the client was too slow in sending the body
};

}  // namespace hangup::http
