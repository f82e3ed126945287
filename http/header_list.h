// Headers whose value is a list (RFC 9110 5.6.1), read in one way for all of them: "close, TE",
// "text/csv;q=0.5, */*", "wait=10; a=b". Pure functions of their bytes, in a time that grows with
// their number only: fuzzed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/grammar.h"

namespace hangup::http {

// What a separator does not count in. A quote or a bracket without its partner is a character like
// any other, and so are all behind it: nobody can hide what follows by leaving one open.
enum class list_of {
  values,    // with quoted strings (RFC 9110 5.6.4)
  comments,  // with comments in brackets, which may be nested (5.6.5): Via
};

// The pieces of a text between the separators, one after the other.
class pieces {
 public:
  pieces(std::string_view text, char separator, list_of what = list_of::values) noexcept
      : rest_(text), separator_(separator), what_(what) {}

  // The next piece, without the blanks around it; it may be empty. None: that was all.
  std::optional<std::string_view> next() noexcept;

 private:
  std::string_view rest_;
  char separator_;
  list_of what_;
  bool over_ = false;
  bool encloses_ = true;  // no quote or bracket has been found without its partner
};

// Calls `each` with the elements of a list, in their order. Empty ones are left out.
template <class Each>
void for_each_element(std::string_view list, Each each, list_of what = list_of::values) {
  pieces elements(list, ',', what);
  while (const auto element = elements.next()) {
    if (!element->empty()) {
      each(*element);
    }
  }
}

struct list_part {
  std::string_view name;
  std::string_view value;  // as it was sent, perhaps quoted; empty if there is none
};

// Calls `each` with the parts of an element that semicolons separate: first with what the element
// itself is, then with its parameters. Empty parameters are left out.
template <class Each>
void for_each_part(std::string_view element, Each each) {
  pieces parts(element, ';');
  for (bool first = true; const auto part = parts.next(); first = false) {
    if (first || !part->empty()) {
      const auto equals = std::min(part->find('='), part->size());
      const auto behind = std::min(equals + 1, part->size());
      each(list_part{trimmed(part->substr(0, equals)), trimmed(part->substr(behind))});
    }
  }
}

// A value without its quotes and backslashes; as it is if it is not quoted.
std::string unquoted(std::string_view value);

// How much a list of preferences (Accept, Accept-Encoding) wants what it calls by this name, in any
// letter case: the parameter q in thousandths, 0 to 1000 (RFC 9110 12.4.2). Without a q it is 1000,
// with one that is no number 0; of several elements of the name the highest. None if it is not
// named. "*" and "*/*" are names like others: whoever asks looks for the more exact name first.
std::optional<int> weight_in(std::string_view list, std::string_view name);

// The lines of this name as one list (RFC 9110 5.3); empty if there is none. `headers` is a
// httplib::Headers.
template <class Headers>
std::string joined(const Headers& headers, const std::string& name) {
  std::string list;
  const auto [first, last] = headers.equal_range(name);
  for (auto line = first; line != last; ++line) {
    list.append(list.empty() ? "" : ", ").append(line->second);
  }
  return list;
}

}  // namespace hangup::http
