#include "server/page_parameters.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <utility>

#include "http/wire/number.h"

namespace hangup::server {
namespace {

std::string names_of(const std::vector<std::string_view>& words) {
  std::string all;
  for (const auto word : words) {
    all.append(all.empty() ? "" : ", ").append(word);
  }
  return all;
}

std::vector<std::string_view> names_of_ends() {
  std::vector<std::string_view> all;
  for (int i = 0; i < http::request_ends; ++i) {
    all.push_back(name(static_cast<http::request_end>(i)));
  }
  return all;
}

}  // namespace

std::string word_of(handlers::parameters& p, const http::request& req, std::string_view name,
                    const std::vector<std::string_view>& words) {
  if (req.count_parameter(name) == 0) {
    return {};
  }
  auto word = p.choice(name, names_of(words));
  if (!word.empty() && std::find(words.begin(), words.end(), word) == words.end()) {
    p.wrong(name, handlers::shown_text(word), names_of(words));
    return {};
  }
  return word;
}

std::optional<http::request_end> end_of(handlers::parameters& p, const http::request& req) {
  const auto words = names_of_ends();
  const auto word = word_of(p, req, "end", words);
  const auto at = std::find(words.begin(), words.end(), word);
  return at == words.end() ? std::nullopt
                           : std::optional(static_cast<http::request_end>(at - words.begin()));
}

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
