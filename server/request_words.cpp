#include "server/request_words.h"

#include <algorithm>
#include <vector>

namespace hangup::server {
namespace {

using handlers::parameters;
using http::request_end;
using http::request_state;

std::string names_of(const std::vector<std::string_view>& words) {
  std::string all;
  for (const auto word : words) {
    all.append(all.empty() ? "" : ", ").append(word);
  }
  return all;
}

// All of them but `ended`, which is none of a request in flight.
std::vector<std::string_view> names_of_states() {
  std::vector<std::string_view> all;
  all.reserve(static_cast<std::size_t>(request_state::ended) + 1);
  for (int i = 0; i < static_cast<int>(request_state::ended); ++i) {
    all.push_back(name(static_cast<request_state>(i)));
  }
  all.push_back(stopping);
  return all;
}

std::vector<std::string_view> names_of_ends() {
  std::vector<std::string_view> all;
  all.reserve(http::request_ends);
  for (int i = 0; i < http::request_ends; ++i) {
    all.push_back(name(static_cast<request_end>(i)));
  }
  return all;
}

// One of these words, or "" if the parameter is absent or wrong.
std::string word_of(parameters& p, const http::request& req, std::string_view name,
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

}  // namespace

bool is_stopping(const http::request_view& v) noexcept {
  return v.context_ended && v.state != request_state::queued;
}

std::string route_of(parameters& p) {
  constexpr std::size_t most_bytes = 256;
  return p.text_or("route", "", most_bytes);
}

std::string state_of(parameters& p, const http::request& req) {
  return word_of(p, req, "state", names_of_states());
}

std::optional<request_end> end_of(parameters& p, const http::request& req) {
  const auto words = names_of_ends();
  const auto word = word_of(p, req, "end", words);
  const auto at = std::find(words.begin(), words.end(), word);
  return at == words.end() ? std::nullopt
                           : std::optional(static_cast<request_end>(at - words.begin()));
}

}  // namespace hangup::server
