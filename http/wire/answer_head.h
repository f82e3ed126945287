// The head of an answer (RFC 9112 4 and 5). All heads are written here, so that no byte that is not
// allowed in a head is ever sent, wherever a header comes from. Not for users.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace hangup::http {

// Appends a header line. It is left out if its name is not a token. Control bytes in the value are
// sent as spaces (RFC 9110 5.5).
void append_header(std::string_view name, std::string_view value, std::string& to);

// Appends the header lines of a text that somebody has written, as append_header() does. What is
// not a header line, and what the connection sets itself, is left out.
void append_checked_lines(std::string_view written, std::string& to);

// Whether there is a line with this name, in any letter case, among header lines that are known to
// be well-formed.
bool has_line(std::string_view lines, std::string_view name) noexcept;

// Headers that the connection sets itself.
bool is_of_the_connection(std::string_view name) noexcept;

// options::default_headers, which have been checked.
using default_lines = std::span<const std::pair<std::string, std::string>>;

// The current time in the format of RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". Formatted once
// a second per thread. Valid until this thread calls it again.
std::string_view http_date() noexcept;

class answer_head {
 public:
  // Starts with the status line. The memory of `reused` is used, whatever it contains.
  explicit answer_head(int status, std::string reused = {});

  // Adds a header, as append_header() does.
  void add(std::string_view name, std::string_view value) { append_header(name, value, text_); }
  void add(std::string_view name, std::uint64_t number);
  // Adds header lines that are known to be well-formed, each with its CRLF.
  void add_lines(std::string_view lines) { text_.append(lines); }
  // Adds those whose name is not among these lines.
  void add_defaults(default_lines all, std::string_view unless_in) {
    for (const auto& [name, value] : all) {
      if (!has_line(unless_in, name)) {
        add(name, value);
      }
    }
  }

  // Adds the empty line and returns the head. Must be the last call.
  std::string finish() &&;

 private:
  std::string text_;
};

// A complete answer that the server itself makes. Its body is problem_body(), unless there is
// another one; below 400 it has none.
struct problem_answer {
  int status = 500;
  std::string_view detail{};      // see problem_body()
  std::string_view request_id{};  // empty: no request is known, and no X-Request-Id is sent
  std::string_view headers{};     // further lines, each with its CRLF
  bool keep_alive = false;        // false: with "Connection: close"
  bool to_head = false;           // an answer to HEAD: with the Content-Length, without the body
  default_lines defaults{};
  std::string_view content_type{};  // set: of `body`, which is in the place of the problem
  std::string_view body{};
};
std::string whole_text(const problem_answer& a);

}  // namespace hangup::http
