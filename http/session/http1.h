// HTTP/1 on one connection, as a state machine without I/O: it is given what has arrived and what
// has happened, and says what to do next. It finds the requests in the bytes, decides which of them
// are refused, when a handler may start, and whether the connection serves another request
// afterwards. It reads no socket, looks at no clock and calls no handler; session_runner.h does, as
// it is told.
//
//   between ──► head ──► body ──► work ──► room ──► between ...      the connection is kept
//                 └────────┴─ refuse ─┘       └──► over               or closed
//
// Not thread-safe: it belongs to the owner of its connection (connection.h). Not for users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "hangup/http/head_limits.h"
#include "http/wire/body.h"
#include "http/wire/head.h"

namespace hangup::http {

// Of a request whose route is known: what happens to its body.
struct body_rule {
  std::string* keep_in = nullptr;  // for the handler; null: it is discarded as it arrives
  std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();  // of its data; more is a 413
  // The handler may start when so much has arrived, with the framing. The default: all of it.
  std::size_t enough = std::numeric_limits<std::size_t>::max();
};

class http1 {
 public:
  enum class state {
    between,  // nothing of the next request has arrived
    head,     // a part of a head has
    body,     // a head is complete, and its handler may not start yet
    work,     // the request waits for its handler, or is in it, or is being answered
    room,     // a part of the answer has not been taken by the client yet
  };

  // What its connection has to do.
  enum class action {
    wait,     // for what at() says
    proceed,  // send "100 Continue", then wait for the body
    begin,    // the request head() has arrived: begin it, then call accept() or accept_none()
    start,    // have the handler called
    refuse,   // answer with why(), then call answered(). No request has begun yet if at() is head
    left,     // the client has gone, or the server stops, before the handler could start
    finish,   // report the end of the request, then call finished()
    cut_off,  // the client does not read: end the request, report it, and close
    next,     // call next()
    yield,    // let other connections have their turn, then call next()
    linger,   // close so that the client can read the answer
    drop,     // close, since nobody reads
    close,
  };

  explicit http1(const head_limits& limits) noexcept : limits_(limits) {}

  state at() const noexcept { return at_; }

  // --- what has arrived ---
  std::string_view received() const noexcept { return std::string_view(in_).substr(used_); }
  void append(std::string_view bytes) { in_.append(bytes); }
  void consume(std::size_t n) noexcept;

  // More has been appended.
  action arrived(bool closing);
  // There was nothing to read after all.
  action nothing_arrived(bool closing) const noexcept;
  // The client sends nothing more.
  action input_ended() const noexcept { return at_ == state::body ? action::left : action::close; }
  // It has been waited for too long.
  action timed_out();

  // Looks for the next request. `closing`: none is served any more.
  action next(bool closing);

  // --- a request: from `begin` on ---
  // The head that `begin` is about. Its views are valid until accept() or accept_none().
  const request_head& head() const noexcept { return head_; }
  // Its route is known.
  action accept(const body_rule& rule);
  // It has none: what is answered is up to the caller. The body is not waited for.
  void accept_none();
  // Moves what has arrived of the body out of received(). Returns false if the body is refused.
  bool take_body();
  const body_scan& body() const noexcept { return body_; }
  // Whether the handler gets the body.
  bool wants_body() const noexcept { return rule_.keep_in != nullptr; }
  // What arrives from now on need not be kept: a body that nobody gets, or what follows the last
  // request.
  bool discards() const noexcept {
    return body_.complete() ? is_last_ : body_.refused() || !wants_body();
  }
  // The handler does not want what has not been taken yet.
  void leave_body() noexcept {
    rule_.keep_in = nullptr;
    leaves_body_ = !body_.complete();
  }
  // The same, of what has been received.
  void discard_received();

  // Why, for `refuse`.
  const refusal& why() const noexcept { return why_; }
  // From now on every request is refused for this reason.
  void refuse_all(refusal why) { refuse_all_ = std::move(why); }
  // A part of a body that nobody gets had not arrived when the handler was started. Unless it
  // arrives, the connection serves no other request.
  bool leaves_body() const noexcept { return leaves_body_; }
  // Its context has ended before its handler was called; `status` is that of the cause
  // (departure.h), 0: nobody waits for an answer.
  // `why`: for the client, if somebody has ended this request alone; empty: nobody has, and with a
  // 503 the server stops, so the connection is not kept.
  action ended_early(int status, std::string why = {});

  // --- its answer ---
  bool to_head() const noexcept { return to_head_; }  // the answer must not have a body
  // Whether the connection serves another request after this one.
  bool keeps() const noexcept { return keeps_; }
  void close_after() noexcept { keeps_ = false; }
  // All that there is of the answer has been handed to the kernel or to the connection. `unsent`:
  // to the connection.
  action answered(bool complete, bool unsent) noexcept;
  enum class rest { discarded, more, unusable };
  // Discards what has arrived of the rest of the body, which must be gone before the next request.
  // After `more`, call it again when more has been appended.
  rest discard_rest();
  // The request has been reported. `silent`: nothing was sent. `clean`: nothing of it is left.
  action finished(bool silent, bool clean) noexcept;

 private:
  action refuse(refusal why);
  action body_arrived();
  bool is_worth_a_look() const noexcept;
  void forget_head() noexcept;

  const head_limits limits_;
  state at_ = state::between;
  std::string in_;
  std::size_t used_ = 0;       // of in_
  std::size_t looked_at_ = 0;  // how much was there when the head was found incomplete
  unsigned in_a_row_ = 0;      // requests served since others had their turn

  request_head head_;
  body_scan body_;
  body_rule rule_;
  std::size_t taken_ = 0;  // of the body, with its framing
  bool awaits_continue_ = false;
  bool leaves_body_ = false;
  bool to_head_ = false;
  bool keeps_ = true;
  bool is_last_ = false;  // the client has said that no request follows
  refusal why_;
  std::optional<refusal> refuse_all_;
};

}  // namespace hangup::http
