// The parser for all headers whose value is a list (RFC 9110 5.6.1): "close, TE", "text/csv;q=0.5,
// */*", "wait=10; a=b". Pure functions that take time proportional to the length of their input;
// fuzzed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/wire/grammar.h"

namespace hangup::http {

// Inside of what a separator is an ordinary character. A quote or bracket without its partner is an
// ordinary character too, and so are all later ones: text cannot be hidden behind an open quote.
enum class list_of {
  values,    // inside quoted strings (RFC 9110 5.6.4)
  comments,  // inside comments in brackets, which may be nested (5.6.5): for Via
};

// Splits a text at a separator.
class pieces {
 public:
  pieces(std::string_view text, char separator, list_of what = list_of::values) noexcept
      : rest_(text), separator_(separator), what_(what) {}

  // The next piece, without the blanks around it; it may be empty. Returns nullopt after the last
  // one.
  std::optional<std::string_view> next() noexcept;

 private:
  std::string_view rest_;
  char separator_;
  list_of what_;
  bool over_ = false;
  bool encloses_ = true;  // no quote or bracket without its partner has been found yet
};

// Calls `each` with the elements of a list, in order. Empty elements are skipped.
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
  std::string_view value;  // as sent, possibly quoted; empty if there is none
};

// Calls `each` with the parts of an element, which are separated by semicolons: first the element's
// own name, then its parameters. Empty parameters are skipped.
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

// The value without its quotes and backslashes; unchanged if it is not quoted.
std::string unquoted(std::string_view value);

// The weight that a list of preferences (Accept, Accept-Encoding) gives to this name, in any letter
// case: its parameter q in thousandths, from 0 to 1000 (RFC 9110 12.4.2). It is 1000 if there is no
// q, and 0 if q is not a number. If several elements have the name, the highest weight counts.
// Returns nullopt if the name is not in the list. "*" and "*/*" are treated like other names: look
// for the more specific name first.
std::optional<int> weight_in(std::string_view list, std::string_view name);

// What Accept says of a media type. The greater is the one that is liked more: by its weight, and
// where that is the same, by how exactly it is named.
struct type_weight {
  int weight = 0;  // as above
  int exact = -1;  // 2: the type itself, 1: type/*, 0: */*, -1: by nothing

  bool operator==(const type_weight&) const = default;
  bool operator>(const type_weight& other) const noexcept {
    return weight > other.weight || (weight == other.weight && exact > other.exact);
  }
};

// The most exact of the names that fit the type counts (RFC 9110 12.5.1).
type_weight weight_of_type(std::string_view accept, std::string_view type);

}  // namespace hangup::http
