#include "hangup/http/path_pattern.h"

#include <algorithm>
#include <stdexcept>

#include "http/wire/grammar.h"

namespace hangup::http {
namespace {

bool is_sane(char c) noexcept {
  return is_alphanumeric(c) || c == '-' || c == '_';
}

bool is_parameter_name(std::string_view text) noexcept {
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '_'; });
}

}  // namespace

bool path_pattern::is_one(std::string_view path) noexcept {
  return path.find_first_of("{}") != std::string_view::npos;
}

std::string_view path_pattern::name_in(std::string_view text) noexcept {
  const auto open = std::min(text.find('{'), text.size());
  const auto close = std::min(text.find('}', open), text.size());
  return text.substr(std::min(open + 1, close), close - std::min(open + 1, close));
}

path_pattern::path_pattern(std::string_view text) {
  const auto open = text.find('{');
  const auto close = text.find('}');
  const bool whole = open != std::string_view::npos && close != std::string_view::npos &&
                     open > 0 && text.front() == '/' && text[open - 1] == '/' && close > open &&
                     is_parameter_name(text.substr(open + 1, close - open - 1)) &&
                     (close + 1 == text.size() || text[close + 1] == '/');
  if (!whole || is_one(text.substr(close + 1))) {
    throw std::invalid_argument("route " + std::string(text) +
                                ": a pattern has one segment in braces, as /jobs/{id}");
  }
  before_ = text.substr(0, open);
  after_ = text.substr(close + 1);
}

std::optional<std::string_view> path_pattern::match(std::string_view path) const noexcept {
  if (path.size() <= before_.size() + after_.size() || !path.starts_with(before_) ||
      !path.ends_with(after_)) {
    return std::nullopt;
  }
  const auto segment = path.substr(before_.size(), path.size() - before_.size() - after_.size());
  if (segment.size() > longest || !std::all_of(segment.begin(), segment.end(), is_sane)) {
    return std::nullopt;
  }
  return segment;
}

}  // namespace hangup::http
