#include "http/engine/hosted_run.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <exception>

#include "http/departure/departure.h"
#include "http/engine/rewritten_head.h"
#include "http/exchange/incoming.h"
#include "http/run/error_answer.h"
#include "http/wire/answer_head.h"

namespace hangup::http {

hosted_run::hosted_run(connection& c, const options& how, watcher& hears,
                       const std::atomic<bool>& draining, const hosted_rules& rules)
    : handler_run(c, how, hears, draining, false),
      rules_(rules),
      scan_(c.session.to_head()),
      in_(rewritten_head(*c.incoming)),
      is_chunked_(c.incoming->has_header("Transfer-Encoding")) {
  if (draining || ++c.served >= rules.keep_alive_max) {
    c.session.close_after();
  }
}

bool hosted_run::has_plain_range() const noexcept {
  return http::has_plain_range(*c_.incoming);
}

bool hosted_run::run() {
  read_ahead();
  detail::served_by_engine engine;
  std::exception_ptr thrown;
  try {
    engine = rules_.server.serve(*this);
  } catch (...) {
    thrown = std::current_exception();
  }
  on_end_.reset();
  if (thrown) {
    return answer_what_was_thrown(thrown);
  }
  static_cast<void>(flush());
  if (!scan_.begun() || is_replaced_) {
    return !wrote_ && answer_instead();
  }
  // An engine that wants to read the rest of the body before the next request leaves that to us.
  if (scan_.closes() || (engine.must_close && !late_read_)) {
    c_.session.close_after();
  }
  if (scan_.framed() == answer_scan::framing::until_close) {
    c_.session.close_after();
    return engine.answered && !broken_;
  }
  return scan_.whole() && !broken_;
}

// --- the request ---

long hosted_run::read(char* to, std::size_t size) {
  if (buffered().empty() && !more()) {
    return ended_ ? 0 : -1;
  }
  const auto part = buffered().substr(0, size);
  std::memcpy(to, part.data(), part.size());
  at_ += part.size();
  return static_cast<long>(part.size());
}

// Makes the next part of the body what the engine reads. Returns false if there is none.
bool hosted_run::more() {
  in_.clear();
  at_ = 0;
  auto& kept = request_access::body(*c_.incoming);
  const bool is_too_large =
      body_bytes_ > rules_.most_body;  // it has seen that, and may skip the rest
  if (is_too_large || (kept.empty() && !c_.session.body().complete() && !await_more())) {
    // The engine answers as if the request was malformed.
    c_.session.close_after();
    return false;
  }
  body_bytes_ += kept.size();
  frame(kept);
  return !ended_;
}

// Reads until there is some of the body, or all of it was there.
bool hosted_run::await_more() {
  if (!flush() || body_late_) {
    return false;
  }
  const auto& kept = request_access::body(*c_.incoming);
  const bool has_answered = scan_.begun() && scan_.whole();
  watcher_.stop_reading(c_.fd());
  while (c_.session.take_body() && kept.empty() && !c_.session.body().complete()) {
    late_read_ = has_answered;  // nobody waits for what is thrown away
    if (has_answered || !await_body()) {
      return false;
    }
  }
  if (c_.session.body().refused()) {
    return false;
  }
  read_ahead();  // while the engine is busy with it
  return true;
}

// In chunks, if it came in chunks; but in ours.
void hosted_run::frame(std::string& data) {
  if (data.empty()) {
    ended_ = !is_chunked_;
    if (is_chunked_) {
      in_ = "0\r\n\r\n";
      is_chunked_ = false;
    }
    return;
  }
  if (!is_chunked_) {
    in_.swap(data);
    data.clear();
    return;
  }
  std::array<char, 16> digits{};
  const auto* const stop =
      std::to_chars(digits.data(), digits.data() + digits.size(), data.size(), 16).ptr;
  in_.assign(digits.data(), static_cast<std::size_t>(stop - digits.data()));
  in_.append("\r\n").append(data).append("\r\n");
  data.clear();
}

// --- the answer ---

long hosted_run::write(std::string_view bytes) {
  const auto all = static_cast<long>(bytes.size());
  while (!bytes.empty() && !broken_) {
    const auto part = scan_.next(bytes);
    switch (part.is) {
      case answer_scan::kind::none:
      case answer_scan::kind::beyond:
        break;
      case answer_scan::kind::interim:
        static_cast<void>(put(part.text));
        break;
      case answer_scan::kind::head:
        begin_answer(part.text);
        break;
      case answer_scan::kind::body:
        // What is whole is sent as after no end; a stream stops.
        if (x_.ctx().done() && scan_.framed() != answer_scan::framing::length) {
          broken_ = true;
        } else if (!is_replaced_) {
          static_cast<void>(put(part.text));
        }
        break;
      case answer_scan::kind::broken:
        x_.broke("what cpp-httplib has written is no answer");
        broken_ = true;
        break;
    }
  }
  return broken_ ? -1 : all;
}

void hosted_run::begin_answer(std::string_view head) {
  // A handler that has stopped, as its context has ended, need not have made an answer. But an
  // empty 200 would tell the client that all is well.
  const bool is_empty = scan_.status() == 200 && scan_.whole() && !c_.session.to_head();
  if (is_empty && x_.ctx().done() && status_of(end_of(x_.ctx().cause()->kind)) != 0) {
    is_replaced_ = true;
    return;
  }
  x_.has_status(scan_.status());
  x_.answering();
  if (scan_.closes()) {
    c_.session.close_after();
  }
  if (scan_.framed() == answer_scan::framing::until_close) {
    c_.session.close_after();
    x_.ends_by_close();
  }
  if (scan_.framed() == answer_scan::framing::length && !scan_.whole()) {
    held_ = head;
  } else {
    static_cast<void>(put(head));
  }
}

// Of two small segments, the second would wait for the acknowledgement of the first.
bool hosted_run::put(std::string_view bytes) {
  constexpr std::size_t worth_a_copy = 64 * 1024;
  if (!held_.empty()) {
    if (bytes.size() <= worth_a_copy) {
      held_.append(bytes);
      return flush();
    }
    if (!flush()) {
      return false;
    }
  }
  wrote_ = true;
  broken_ = broken_ || !c_.send_all(bytes);
  return !broken_;
}

bool hosted_run::flush() {
  if (!held_.empty()) {
    const auto bytes = std::exchange(held_, {});
    static_cast<void>(put(bytes));
  }
  return !broken_;
}

// The engine has made no answer that can be sent.
bool hosted_run::answer_instead() {
  const auto& req = *c_.incoming;
  reply res(x_.ctx(), req);
  if (x_.ctx().done()) {
    if (!says_something(res)) {
      return false;
    }
  } else {
    fail(res, "cpp-httplib has made no answer");
  }
  prepare(req, res);
  return out_.write(req, res);
}

// The engine has called no logger then.
bool hosted_run::answer_what_was_thrown(const std::exception_ptr& thrown) {
  const auto& req = *c_.incoming;
  reply res(x_.ctx(), req);
  call([&] { std::rethrow_exception(thrown); }, res);
  c_.session.close_after();
  if (wrote_) {
    return scan_.whole() && !broken_;  // among others: the logger has thrown
  }
  held_.clear();
  const bool says = says_something(res);
  if (says) {
    prepare(req, res);
  }
  rules_.server.never_served(req, x_.ctx(), says ? res.status() : 499);
  return says && out_.write(req, res);
}

void hosted_run::refuse(int status, std::string_view detail) {
  c_.session.close_after();
  static_cast<void>(write(whole_error(
      how_,
      {.status = status, .detail = detail, .request_id = x_.id(), .to_head = c_.session.to_head()},
      c_.incoming.get())));
}

int hosted_run::closed_descriptor() {
  if (!closed_) {
    closed_ = http::descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (closed_) {
      on_end_.emplace(x_.ctx(), signal{closed_.get()});
    }
  }
  return closed_.get();
}

void hosted_run::signal::operator()() const noexcept {
  static_cast<void>(::eventfd_write(fd, 1));
}

}  // namespace hangup::http
