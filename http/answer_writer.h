// Writes a handler's answer, a httplib::Response, to its connection: decides how its body is framed
// (RFC 9112 6), serves one range of it where the handler offers that, runs what produces a stream.
// Not for users.
#pragma once

#include <string>
#include <string_view>

#include "http/connection.h"
#include "http/httplib.h"
#include "http/options.h"

namespace hangup::http {

class answer_writer {
 public:
  // `on_the_spot`: this thread must not wait; what the client does not take now is kept in the
  // connection. Else a write waits, as long as the context lives. The connection has a request in
  // flight.
  answer_writer(connection& c, const options& how, bool on_the_spot) noexcept
      : c_(c), how_(how), on_the_spot_(on_the_spot) {}

  // Makes the answer what can be sent: a status, a body only where that status has one, and the
  // part of it that is asked for if the handler has said "Accept-Ranges: bytes". Call it once,
  // before write().
  void prepare(const httplib::Request& req, httplib::Response& res);

  // Sends the answer. False if not all of it could be sent, or what streams it has failed. What a
  // stream throws comes out of here. Closes the connection behind it where nothing else tells where
  // its body ends: connection::keep_alive says so then.
  bool write(const httplib::Request& req, httplib::Response& res);

  // Has any of it been sent?
  bool wrote() const noexcept { return wrote_; }

 private:
  enum class framing { none, length, chunks, until_close };

  framing framing_of(const httplib::Request& req, const httplib::Response& res) const;
  std::string head_of(const httplib::Response& res, framing as) const;
  bool stream(httplib::Response& res, framing as);
  bool send(std::string_view bytes);
  bool alive() const noexcept { return !broken_ && !c_.request->ctx.done(); }

  connection& c_;
  const options& how_;
  const bool on_the_spot_;
  std::size_t from_ = 0;  // of what a provider with a length provides
  bool broken_ = false;
  bool wrote_ = false;
};

}  // namespace hangup::http
