// Writes a reply to its connection. It decides how the body is framed (RFC 9112 6), sends one range
// of it if the handler allows that, and runs the producer of a streamed body. The head is sent in
// one piece, together with the body if that is whole and not too large. Not for users.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hangup/http/options.h"
#include "hangup/http/reply.h"
#include "http/session/connection.h"

namespace hangup::http {

class answer_writer {
 public:
  // `on_the_spot`: this thread must not wait, so what the client does not take at once is kept in
  // the connection. Otherwise a write waits as long as the context is alive. The connection must
  // have a request in flight.
  answer_writer(connection& c, const options& how, bool on_the_spot) noexcept
      : c_(c), how_(how), on_the_spot_(on_the_spot) {}

  // Turns the answer into one that can be sent: with a body only if the status allows one, and only
  // the requested range if the handler offers ranges. Call it once, before write().
  void prepare(const request& req, reply& res);

  // Sends the answer. Returns false if it could not be sent completely or the producer of the
  // stream failed; rethrows what the producer throws. If only the close of the connection can mark
  // the end of the body, the session does not keep the connection.
  bool write(const request& req, reply& res);

  // Whether any part of the answer has been sent.
  bool wrote() const noexcept { return wrote_; }

  // --- the parts of write(), for a task, which does not block between them ---
  // Decides the framing, and makes the head.
  std::string begin(const request& req, reply& res);
  // Gives back the memory of a head that has been sent.
  static void keep(std::string head) noexcept;
  // Whether nothing is sent behind the head.
  bool is_bodiless() const noexcept { return bodiless_; }
  // Appends to the head what is worth a copy of a whole body, and returns the rest of it.
  std::string_view join(const reply& res, std::string& head) const;
  // A piece of the body as it is sent, valid until the next call. Empty, from then on: it goes
  // beyond the length of the body.
  std::optional<std::string_view> framed(std::string_view piece);
  // What marks the end of a streamed body.
  std::string_view last() const noexcept;
  // Whether no part of a body with a length is missing.
  bool is_whole() const noexcept { return as_ != framing::length || (within_ && left_ == 0); }
  bool ends_by_close() const noexcept { return as_ == framing::until_close; }
  // As connection::send_some(); also sends what was kept.
  connection::io send_some(std::string_view& bytes);

 private:
  enum class framing { none, length, chunks, until_close };

  framing framing_of(const request& req, const reply& res) const;
  std::string head_of(reply& res, std::string reused) const;
  bool write_whole(const reply& res, std::string& head);
  bool stream(reply& res);
  bool send(std::string_view bytes);
  bool alive() const noexcept { return !broken_ && !c_.request()->ctx().done(); }

  connection& c_;
  const options& how_;
  const bool on_the_spot_;
  framing as_ = framing::none;
  bool bodiless_ = true;
  std::uint64_t from_ = 0;  // where the range begins that is streamed
  std::uint64_t left_ = 0;  // of a streamed body with a length
  bool within_ = true;      // no piece has gone beyond it
  std::string chunk_;       // the last one
  bool broken_ = false;
  bool wrote_ = false;
};

}  // namespace hangup::http
