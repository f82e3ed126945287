// Rows as text: a JSON object a line (NDJSON), or CSV as in RFC 4180.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/query/database.h"

namespace hangup::query {

enum class format { ndjson, csv };

// "application/x-ndjson", "text/csv; charset=utf-8; header=present"
const char* content_type(format f) noexcept;

// What Accept prefers (RFC 9110 12.5.1), all lines of it as one list. CSV if it is liked better
// than NDJSON, or as much and by a more exact name; else, also if neither is acceptable, NDJSON.
// Parameters of a type but its weight make no difference.
format preferred(std::string_view accept);

// Appends rows to a text. For one answer; not thread-safe.
//
// NDJSON: every row is an object with its columns in order; a second column of a name gets "_2" and
// so on. NULL is null, an integer a number with all its digits, a real a number that reads back the
// same; NaN and the infinities, which JSON does not have, are the texts "NaN", "Infinity",
// "-Infinity". What is not UTF-8 becomes U+FFFD.
//
// CSV: a first line with the names, lines end with CRLF; NULL is an empty field and an empty text
// is "", in quotes. U+FFFD as above, and for control characters other than tab, CR and LF.
class row_format {
 public:
  // Of one row: more is refused, so that a slow client costs no more than that.
  static constexpr std::size_t most_bytes = 1U << 20U;

  explicit row_format(format f) noexcept : format_(f) {}

  void columns(std::span<const std::string> names, std::string& to);
  // False, and nothing appended, if the row is too large.
  bool row(std::span<const field> fields, std::string& to) const;

 private:
  void add(const field& f, std::string& to) const;

  format format_;
  std::vector<std::string> keys_;  // NDJSON: {"a":  ,"b":
};

// Appends the text in the quotes of JSON.
void append_json(std::string_view text, std::string& to);

}  // namespace hangup::query
