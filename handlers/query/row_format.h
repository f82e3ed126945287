// Rows as text: one JSON object per line (NDJSON), or CSV as in RFC 4180.
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

// The format that Accept (all lines as one list) prefers (RFC 9110 12.5.1). CSV if its weight is
// higher than that of NDJSON, or equal and given by a more specific name; otherwise NDJSON, also if
// neither is acceptable. Parameters other than the weight are ignored.
format preferred(std::string_view accept);

// Appends rows to a text. For one answer; not thread-safe.
//
// NDJSON: each row is an object with its columns in order; if two columns have the same name, the
// second gets "_2", and so on. NULL is null, an integer is a number with all its digits, and a real
// is a number that reads back as the same value. JSON has no NaN and no infinities: they are the
// strings "NaN", "Infinity" and "-Infinity". Bytes that are not UTF-8 become U+FFFD.
//
// CSV: the first line has the names, and lines end with CRLF. NULL is an empty field, and an empty
// text is "", in quotes. Bytes that are not UTF-8, and control characters other than tab, CR and
// LF, become U+FFFD.
class row_format {
 public:
  // The most bytes of one row; a larger row is refused. This limits how much memory a slow client
  // can use.
  static constexpr std::size_t most_bytes = 1U << 20U;

  explicit row_format(format f) noexcept : format_(f) {}

  void columns(std::span<const std::string> names, std::string& to);
  // Returns false, and appends nothing, if the row is too large.
  bool row(std::span<const field> fields, std::string& to) const;

 private:
  void add(const field& f, std::string& to) const;

  format format_;
  std::vector<std::string> keys_;  // NDJSON: {"a":  ,"b":
};

// Appends the text as a JSON string in quotes.
void append_json(std::string_view text, std::string& to);

}  // namespace hangup::query
