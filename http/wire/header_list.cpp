#include "http/wire/header_list.h"

#include <algorithm>
#include <array>

namespace hangup::http {
namespace {

constexpr auto npos = std::string_view::npos;

// The position of the end of the quoted string that begins at `from`; npos if there is none.
std::size_t end_of_quoted(std::string_view text, std::size_t from) noexcept {
  for (std::size_t i = from + 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      return i;
    }
    i += text[i] == '\\' ? 1 : 0;
  }
  return npos;
}

std::size_t end_of_comment(std::string_view text, std::size_t from) noexcept {
  std::size_t depth = 0;
  for (std::size_t i = from; i < text.size(); ++i) {
    if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')' && --depth == 0) {
      return i;
    }
    i += text[i] == '\\' ? 1 : 0;
  }
  return npos;
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// "0.5" is 500. RFC 9110 allows three digits after the point, but some clients send more.
int thousandths(std::string_view text) noexcept {
  const auto point = std::min(text.find('.'), text.size());
  const auto whole = text.substr(0, point);
  const auto fraction = text.substr(std::min(point + 1, text.size()));
  if (whole.empty() || !std::all_of(whole.begin(), whole.end(), is_digit) ||
      !std::all_of(fraction.begin(), fraction.end(), is_digit)) {
    return 0;
  }
  if (whole.find_first_not_of('0') != npos) {
    return 1000;
  }
  int weight = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    weight = weight * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  }
  return weight;
}

}  // namespace

std::optional<std::string_view> pieces::next() noexcept {
  if (over_) {
    return std::nullopt;
  }
  const bool quotes = what_ == list_of::values;
  std::size_t at = 0;
  for (; at < rest_.size() && rest_[at] != separator_; ++at) {
    if (encloses_ && rest_[at] == (quotes ? '"' : '(')) {
      const auto end = quotes ? end_of_quoted(rest_, at) : end_of_comment(rest_, at);
      encloses_ = end != npos;
      at = encloses_ ? end : at;
    }
  }
  const auto piece = rest_.substr(0, at);
  over_ = at == rest_.size();
  rest_.remove_prefix(over_ ? at : at + 1);
  return trimmed(piece);
}

std::string unquoted(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || end_of_quoted(value, 0) != value.size() - 1) {
    return std::string(value);
  }
  std::string text;
  for (std::size_t i = 1; i + 1 < value.size(); ++i) {
    i += value[i] == '\\' ? 1 : 0;
    text.push_back(value[i]);
  }
  return text;
}

std::optional<int> weight_in(std::string_view list, std::string_view name) {
  std::optional<int> best;
  for_each_element(list, [&](std::string_view element) {
    std::optional<std::string_view> called;
    std::optional<int> weight;
    for_each_part(element, [&](const list_part& part) {
      if (!called) {
        called = part.name;
      } else if (!weight && equals_ignoring_case(part.name, "q")) {
        weight = thousandths(part.value);
      }
    });
    if (equals_ignoring_case(*called, name)) {
      best = std::max(best.value_or(0), weight.value_or(1000));
    }
  });
  return best;
}

type_weight weight_of_type(std::string_view accept, std::string_view type) {
  const auto any = std::string(type.substr(0, type.find('/'))) + "/*";
  const std::array<std::string_view, 3> names = {"*/*", any, type};
  for (int exact = 2; exact >= 0; --exact) {
    if (const auto weight = weight_in(accept, names[static_cast<std::size_t>(exact)])) {
      return {*weight, exact};
    }
  }
  return {};
}

}  // namespace hangup::http
