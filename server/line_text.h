// The parts of a log line, appended to a buffer. A line of usual length needs no allocation; a
// longer one may throw std::bad_alloc. Text from clients is escaped here: nothing of it can forge a
// line, move a terminal's cursor or change the visible order of the text. Pure functions, except
// that append_time() keeps the text of the last second for each thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <spdlog/fmt/fmt.h>

namespace hangup::server {

using line_buffer = fmt::basic_memory_buffer<char, 1000>;

inline void append(line_buffer& to, std::string_view text) {
  const auto before = to.size();
  to.resize(before + text.size());
  text.copy(to.data() + before, text.size());
}

// "2026-11-26T17:04:46.123Z", for times since 1970.
void append_time(line_buffer& to, std::chrono::system_clock::time_point at);

void append_number(line_buffer& to, std::int64_t number);

// A duration in milliseconds with so many decimals, 1 to 6, rounded: "12.35" for 2.
void append_ms(line_buffer& to, std::chrono::nanoseconds d, int decimals);
// With as many decimals as it has, at least one: "12.345678", "12.0".
void append_exact_ms(line_buffer& to, std::chrono::nanoseconds d);

// Control characters (C1 too), line and paragraph separators, characters that change the direction
// of text, and bytes that are not UTF-8 become \xNN.
void append_escaped(line_buffer& to, std::string_view text);
std::string escaped(std::string_view text);

// A JSON string in quotes, in ASCII. Bytes that are not UTF-8 become U+FFFD, one for as many as
// could have begun a character.
void append_json(line_buffer& to, std::string_view text);

}  // namespace hangup::server
