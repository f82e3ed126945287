// The head of an answer (RFC 9112 4 and 5). The one place where heads are written: whoever made a
// header, no byte leaves in it that a head cannot have. Not for users.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hangup::http {

// "Sun, 06 Nov 1994 08:49:37 GMT": the time now, as RFC 9110 5.6.7 wants it. Made once a second per
// thread. Valid until this thread asks again.
std::string_view http_date() noexcept;

class answer_head {
 public:
  // Starts with the status line.
  explicit answer_head(int status);

  // A header whose name is not a token is left out. A control byte in a value goes out as a space
  // (RFC 9110 5.5).
  void add(std::string_view name, std::string_view value);
  void add(std::string_view name, std::uint64_t number);
  // Header lines that are known to be well-formed, each with its CRLF.
  void add_lines(std::string_view lines) { text_.append(lines); }

  // Ends the head with the empty line. Call it last.
  std::string finish() &&;

 private:
  std::string text_;
};

// An answer of this server's own, as a whole: problem_body() as its body, or none for a 204.
struct problem_answer {
  int status = 500;
  std::string_view detail{};      // see problem_body()
  std::string_view request_id{};  // empty: there is no request, and no X-Request-Id
  std::string_view headers{};     // further lines, each with its CRLF
  bool keep_alive = false;        // false: with "Connection: close"
  bool to_head = false;           // an answer to HEAD: with the Content-Length, without the body
};
std::string whole_text(const problem_answer& a);

}  // namespace hangup::http
