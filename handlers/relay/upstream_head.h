// The head of an upstream's answer: what it contains, whether it may answer another request, and
// which headers are passed on. Uses no socket and no clock; fuzzed.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hangup::handlers {

// What was requested other than the complete answer. An answer to a different request is not passed
// on.
struct asked_for {
  bool range = false;      // one range of it
  bool condition = false;  // only if a condition holds
};

// Whether the list contains this name, in any letter case. A header that is listed in Connection
// concerns only that connection, and is not passed on in either direction (RFC 9110 7.6.1).
bool lists(std::string_view list, std::string_view name) noexcept;

class upstream_head {
 public:
  using headers = std::vector<std::pair<std::string, std::string>>;

  // Adds a line with its line ending: the status line, a header, or the empty line at the end of
  // the head. An interim answer (1xx) is dropped at its end. Returns false if this is not the
  // beginning of an answer, if an interim answer has framing, or if it switches protocols; then
  // nothing of it may be used. Not to be called once the head is complete.
  bool take(std::string_view line);
  bool whole() const noexcept { return whole_; }

  // The following functions are for a complete head.
  int status() const noexcept { return status_; }
  // False for 204, 205 and 304, which have no body (RFC 9110 15.3.5, 15.3.6, 15.4.5).
  bool has_content() const noexcept;
  // Empty if absent or listed in Connection.
  std::string content_type() const;
  // Why this must not be passed on, as the end of a sentence that begins with "the upstream ";
  // empty if it may be.
  std::string unfit(const asked_for& what) const;
  // The headers to pass on, besides Content-Type. These are from a fixed list of headers that
  // describe the answer and its validity, never those that concern the connection (RFC 9110 7.6.1).
  // Content-Range is included only for 206 and 416, and Date only if it is valid.
  headers handed_on() const;

 private:
  bool status_line(std::string_view line);
  bool end_of_head();
  // Why the end of the body, or which part of the whole it is, is ambiguous; empty if it is not.
  std::string unfit_length() const;
  // The values of all lines with this name (given in lower case), as one list.
  std::string all_of(std::string_view name) const;
  bool is_there(std::string_view name) const noexcept;
  // Whether there are several lines with this name and different values.
  bool differs(std::string_view name) const noexcept;
  bool is_about_the_connection(std::string_view name) const;
  // Whether the header is meaningful with this status and this value.
  bool means_something(std::string_view name) const;

  int status_ = 0;
  bool whole_ = false;
  headers lines_;  // names are in lower case
};

}  // namespace hangup::handlers
