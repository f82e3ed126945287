#include "handlers/query/row_format.h"

#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "handlers/utf8.h"
#include "http/wire/grammar.h"
#include "http/wire/header_list.h"

namespace hangup::query {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

// Appends the text. Calls `escape` for each ASCII character that is not plain, and appends U+FFFD
// for each byte that is not UTF-8. Everything in between is copied in one piece.
template <class Plain, class Escape>
void append_utf8(std::string_view text, std::string& to, Plain plain, Escape escape) {
  std::size_t done = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    const auto n = c < 0x80 ? std::size_t{1} : handlers::character_size(text.substr(at));
    if (n == 0 || (c < 0x80 && !plain(c))) {
      to.append(text, done, at - done);
      n == 0 ? static_cast<void>(to.append(replacement)) : escape(c);
      done = at + 1;
    }
    at += n == 0 ? 1 : n;
  }
  to.append(text, done, at - done);
}

template <class Number>
std::string_view digits(Number number, std::array<char, 32>& room) {
  const auto end = std::to_chars(room.data(), room.data() + room.size(), number).ptr;
  return {room.data(), static_cast<std::size_t>(end - room.data())};
}

void append_integer(std::int64_t number, std::string& to) {
  std::array<char, 32> room;
  to.append(digits(number, room));
}

// The shortest text that reads back as the same number and as a real: 1.0, not 1.
void append_real(double number, bool quoted, std::string& to) {
  if (!std::isfinite(number)) {
    const std::string_view name = std::isnan(number) ? "NaN"
                                  : number > 0       ? "Infinity"
                                                     : "-Infinity";
    to.append(quoted ? "\"" : "").append(name).append(quoted ? "\"" : "");
    return;
  }
  std::array<char, 32> room;
  const auto text = digits(number, room);
  to.append(text);
  if (text.find_first_of(".e") == std::string_view::npos) {
    to.append(".0");
  }
}

// RFC 4180 allows no control characters except line ends in quotes; all readers accept tabs.
// Others, including NUL, are replaced like bytes that are not UTF-8.
void append_csv(std::string_view text, std::string& to) {
  const bool bare = !text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos &&
                    text.front() != ' ' && text.back() != ' ';
  to.append(bare ? "" : "\"");
  append_utf8(
      text, to,
      [](unsigned char c) {
        return c != '"' &&
               (!http::is_control(static_cast<char>(c)) || c == '\t' || c == '\r' || c == '\n');
      },
      [&to](unsigned char c) { to.append(c == '"' ? "\"\"" : replacement); });
  to.append(bare ? "" : "\"");
}

}  // namespace

const char* content_type(format f) noexcept {
  return f == format::csv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson";
}

format preferred(std::string_view accept) {
  const auto csv = http::weight_of_type(accept, "text/csv");
  const bool wins = csv.weight > 0 && csv > http::weight_of_type(accept, "application/x-ndjson");
  return wins ? format::csv : format::ndjson;
}

void append_json(std::string_view text, std::string& to) {
  to.push_back('"');
  append_utf8(
      text, to,
      [](unsigned char c) {
        return !http::is_control(static_cast<char>(c)) && c != '"' && c != '\\';
      },
      [&to](unsigned char c) {
        constexpr std::string_view hex = "0123456789abcdef";
        switch (c) {
          case '"':
          case '\\':
            to.push_back('\\');
            to.push_back(static_cast<char>(c));
            break;
          case '\n':
            to.append("\\n");
            break;
          case '\r':
            to.append("\\r");
            break;
          case '\t':
            to.append("\\t");
            break;
          default:
            to.append("\\u00");
            to.push_back(hex[c >> 4U]);
            to.push_back(hex[c & 0xfU]);
        }
      });
  to.push_back('"');
}

void row_format::columns(std::span<const std::string> names, std::string& to) {
  std::set<std::string> used;
  for (const auto& name : names) {
    const bool first = &name == names.data();
    if (format_ == format::csv) {
      to.append(first ? "" : ",");
      append_csv(name, to);
      continue;
    }
    auto one = name;
    for (int n = 2; !used.insert(one).second; ++n) {
      one = name + "_" + std::to_string(n);
    }
    auto& key = keys_.emplace_back(first ? "{" : ",");
    append_json(one, key);
    key.push_back(':');
  }
  if (format_ == format::csv) {
    to.append("\r\n");
  }
}

bool row_format::row(std::span<const field> fields, std::string& to) const {
  const auto before = to.size();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (format_ == format::ndjson) {
      to.append(keys_[i]);
    } else if (i > 0) {
      to.push_back(',');
    }
    const auto* const text = std::get_if<std::string_view>(&fields[i]);
    if (text == nullptr || text->size() <= most_bytes) {
      add(fields[i], to);
    }
    if ((text != nullptr && text->size() > most_bytes) || to.size() - before > most_bytes) {
      to.resize(before);
      return false;
    }
  }
  to.append(format_ == format::csv ? "\r\n" : fields.empty() ? "{}\n" : "}\n");
  return true;
}

void row_format::add(const field& f, std::string& to) const {
  const bool csv = format_ == format::csv;
  if (const auto* const integer = std::get_if<std::int64_t>(&f)) {
    append_integer(*integer, to);
  } else if (const auto* const real = std::get_if<double>(&f)) {
    append_real(*real, !csv, to);
  } else if (const auto* const text = std::get_if<std::string_view>(&f)) {
    csv ? append_csv(*text, to) : append_json(*text, to);
  } else if (!csv) {
    to.append("null");
  }
}

}  // namespace hangup::query
