// The head of an upstream's answer: what it says, whether it can be the answer to somebody else's
// request, and what of it goes on. No socket, no clock: fuzzed.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hangup::handlers {

// What was asked for beyond the whole answer. An answer that only fits another question is not
// handed on.
struct asked_for {
  bool range = false;      // one range of it
  bool condition = false;  // only if it has changed
};

// Is this one of the elements of the list, in any letter case? A header that Connection lists is
// about the connection, and never goes on, in either direction (RFC 9110 7.6.1).
bool lists(std::string_view list, std::string_view name) noexcept;

class upstream_head {
 public:
  using headers = std::vector<std::pair<std::string, std::string>>;

  // A line with its end: the status line, a header, or the empty line that ends the head. An
  // interim answer (1xx) is forgotten when it ends. False: no answer begins like this, an interim
  // one is framed, or it switches to another protocol; nothing of it may be used then. Not to be
  // called once the head is whole.
  bool take(std::string_view line);
  bool whole() const noexcept { return whole_; }

  // The rest is for a whole head.
  int status() const noexcept { return status_; }
  // False for 204, 205 and 304: nothing follows them (RFC 9110 15.3.5, 15.3.6, 15.4.5).
  bool has_content() const noexcept;
  // Empty if absent, or if it is about the connection.
  std::string content_type() const;
  // Why this cannot be handed on, as it goes on after "the upstream "; empty if it can.
  std::string unfit(const asked_for& what) const;
  // The headers that go on with it, besides Content-Type: those of a list that says what the answer
  // is and for how long, never one that is about the connection (RFC 9110 7.6.1),
  // Content-Range only with a 206 or 416, and no Date that is none.
  headers handed_on() const;

 private:
  bool status_line(std::string_view line);
  bool end_of_head();
  // Why nobody can be sure of where its body ends, or of which part it is.
  std::string unfit_length() const;
  // The values of all lines of this name (in lower case), as one list.
  std::string all_of(std::string_view name) const;
  bool is_there(std::string_view name) const noexcept;
  // There are several lines of this name, and they do not say the same.
  bool differs(std::string_view name) const noexcept;
  bool is_about_the_connection(std::string_view name) const;
  // Does it, with this status and this value?
  bool means_something(std::string_view name) const;

  int status_ = 0;
  bool whole_ = false;
  headers lines_;  // names in lower case
};

}  // namespace hangup::handlers
