#include "server/page_parameters.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <utility>

#include "http/wire/number.h"

namespace hangup::server {
http::clock::time_point since_of(handlers::parameters& p) {
  using std::chrono::milliseconds;
  constexpr std::size_t most_bytes = 32;
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> units{
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
  constexpr auto none = http::clock::time_point::min();
  const auto text = p.text_or("since", "", most_bytes);
  if (text.empty()) {
    return none;
  }
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = http::whole_number<std::int64_t>(std::string_view(text).substr(0, digits));
  const auto unit = std::string_view(text).substr(digits);
  if (number && unit.empty()) {
    return http::clock::time_point(std::chrono::nanoseconds(*number));
  }
  for (const auto& [word, ms] : units) {
    constexpr std::int64_t most_ms = 1'000'000'000'000;  // decades
    if (number && unit == word && *number <= most_ms / ms) {
      return http::clock::now() - milliseconds(*number * ms);
    }
  }
  p.wrong("since", handlers::shown_text(text),
          "nanoseconds as in ended_ns, or a time ago such as 500ms, 30s, 5m, 2h");
  return none;
}

std::uint64_t after_of(handlers::parameters& p, std::uint64_t otherwise) {
  return p.number("after", otherwise, 0, std::numeric_limits<std::int64_t>::max());
}

void add_if(page_target& to, std::string_view name, std::string_view value) {
  if (!value.empty()) {
    to.add(name, value);
  }
}

std::string as_next(const page_target& t) {
  return "<" + t.text() + ">; rel=\"next\"";
}

}  // namespace hangup::server
