#include "server/line_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "handlers/utf8.h"

namespace hangup::server {
namespace {

constexpr std::string_view hex = "0123456789abcdef";

// Printable ASCII. In UTF-8 the bytes of all other characters are not.
constexpr auto is_safe = [](char c) noexcept { return c >= ' ' && c <= '~'; };
constexpr auto is_safe_in_json = [](char c) noexcept {
  return is_safe(c) && c != '"' && c != '\\';
};

// Whether the character can be written to a terminal or a file of lines as it is. Not control
// characters (C1 too), line and paragraph separators, and characters that change the direction of
// the following text.
constexpr bool is_printable(char32_t c) noexcept {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool formats = c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
                       (c >= 0x2066 && c <= 0x206f);
  return !control && !formats;
}

// Appends characters as long as they are plain, and removes them from the text.
template <class Is>
void append_while(line_buffer& to, std::string_view& text, Is is) {
  const auto n =
      static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is) - text.begin());
  append(to, text.substr(0, n));
  text.remove_prefix(n);
}

// The last `count` digits of the number.
void append_digits(line_buffer& to, std::uint64_t number, int count) {
  std::array<char, std::numeric_limits<std::uint64_t>::digits10> digits;
  for (int i = count; i-- > 0; number /= 10) {
    digits[static_cast<std::size_t>(i)] = static_cast<char>('0' + number % 10);
  }
  append(to, {digits.data(), static_cast<std::size_t>(count)});
}

void append_unsigned(line_buffer& to, std::uint64_t number) {
  std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 1> room;
  const auto* const end = std::to_chars(room.data(), room.data() + room.size(), number).ptr;
  to.append(room.data(), end);
}

// Appends the sign, and returns the number without it.
std::uint64_t append_sign(line_buffer& to, std::int64_t number) {
  if (number < 0) {
    to.push_back('-');
    return std::uint64_t{0} - static_cast<std::uint64_t>(number);
  }
  return static_cast<std::uint64_t>(number);
}

constexpr std::uint64_t ns_of_a_ms = 1'000'000;
constexpr int digits_of_ns = 6;  // behind the point of a millisecond

// How many bytes of a text that does not begin with UTF-8 one replacement stands for: as many as
// could have begun a character, as the Unicode Standard recommends (chapter 3, U+FFFD).
std::size_t ill_formed_size(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0xc2 || first > 0xf4) {
    return 1;
  }
  const std::size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (text.size() < 2 || byte(1) < least || byte(1) > most) {
    return 1;
  }
  std::size_t n = 2;
  while (n < size && n < text.size() && handlers::continues_a_character(text[n])) {
    ++n;
  }
  return n;
}

void append_unit(line_buffer& to, char32_t unit) {
  append(to, "\\u");
  for (unsigned shift = 16; shift > 0;) {
    shift -= 4;
    to.push_back(hex[unit >> shift & 0xfU]);
  }
}

void append_json_escape(line_buffer& to, char32_t c) {
  constexpr std::string_view escaped_shortly = "\"\\\b\f\n\r\t";
  constexpr std::string_view letters = "\"\\bfnrt";
  constexpr char32_t above_one_unit = 0x10000;
  const auto at = c < 0x80 ? escaped_shortly.find(static_cast<char>(c)) : std::string_view::npos;
  if (at != std::string_view::npos) {
    to.push_back('\\');
    to.push_back(letters[at]);
  } else if (c < above_one_unit) {
    append_unit(to, c);
  } else {  // a surrogate pair
    append_unit(to, 0xd800 + ((c - above_one_unit) >> 10U));
    append_unit(to, 0xdc00 + ((c - above_one_unit) & 0x3ffU));
  }
}

}  // namespace

void append_time(line_buffer& to, std::chrono::system_clock::time_point at) {
  namespace chrono = std::chrono;
  struct text_of_second {
    chrono::sys_seconds second{chrono::seconds{-1}};
    std::array<char, std::string_view("2026-11-26T17:04:46.").size()> text{};
  };
  static constinit thread_local text_of_second last;
  const auto second = chrono::floor<chrono::seconds>(at);
  if (last.second != second) {
    const auto day = chrono::floor<chrono::days>(second);
    const chrono::year_month_day date(day);
    const chrono::hh_mm_ss time(second - day);
    fmt::format_to_n(last.text.data(), last.text.size(), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.",
                     static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
    last.second = second;
  }
  append(to, {last.text.data(), last.text.size()});
  const auto ms = chrono::floor<chrono::milliseconds>(at - second).count();
  append_digits(to, static_cast<std::uint64_t>(ms), 3);
  to.push_back('Z');
}

void append_number(line_buffer& to, std::int64_t number) {
  append_unsigned(to, append_sign(to, number));
}

void append_ms(line_buffer& to, std::chrono::nanoseconds d, int decimals) {
  std::uint64_t unit = ns_of_a_ms;
  std::uint64_t units_of_a_ms = 1;
  for (int i = 0; i < decimals; ++i) {
    unit /= 10;
    units_of_a_ms *= 10;
  }
  const auto units = (append_sign(to, d.count()) + unit / 2) / unit;
  append_unsigned(to, units / units_of_a_ms);
  to.push_back('.');
  append_digits(to, units, decimals);
}

void append_exact_ms(line_buffer& to, std::chrono::nanoseconds d) {
  const auto ns = append_sign(to, d.count());
  append_unsigned(to, ns / ns_of_a_ms);
  to.push_back('.');
  auto rest = ns % ns_of_a_ms;
  int decimals = digits_of_ns;
  while (decimals > 1 && rest % 10 == 0) {
    rest /= 10;
    --decimals;
  }
  append_digits(to, rest, decimals);
}

void append_escaped(line_buffer& to, std::string_view text) {
  for (;;) {
    append_while(to, text, is_safe);
    if (text.empty()) {
      return;
    }
    const auto c = handlers::first_character(text);
    const auto n = is_printable(c.code_point) ? c.size : 0;
    if (n == 0) {
      const auto byte = static_cast<unsigned char>(text[0]);
      append(to, "\\x");
      to.push_back(hex[byte >> 4U]);
      to.push_back(hex[byte & 0xfU]);
    }
    append(to, text.substr(0, n));
    text.remove_prefix(std::max<std::size_t>(n, 1));
  }
}

std::string escaped(std::string_view text) {
  line_buffer safe;
  append_escaped(safe, text);
  return {safe.data(), safe.size()};
}

void append_json(line_buffer& to, std::string_view text) {
  to.push_back('"');
  for (;;) {
    append_while(to, text, is_safe_in_json);
    if (text.empty()) {
      break;
    }
    const auto c = handlers::first_character(text);
    append_json_escape(to, c.size > 0 ? c.code_point : 0xfffd);
    text.remove_prefix(c.size > 0 ? c.size : ill_formed_size(text));
  }
  to.push_back('"');
}

}  // namespace hangup::server
