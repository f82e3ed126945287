#include "handlers/query/report.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "handlers/parameters.h"
#include "handlers/utf8.h"
#include "http/wire/number.h"

namespace hangup::query {
namespace {

using handlers::shown_text;
using handlers::wrong_parameter;

template <class... F>
struct overloaded : F... {
  using F::operator()...;
};
template <class... F>
overloaded(F...) -> overloaded<F...>;

template <class Number>
std::optional<Number> read_number(std::string_view text, Number least, Number most) {
  const auto number = http::whole_number<Number>(text);
  return number && *number >= least && *number <= most ? number : std::nullopt;
}

std::string shortest(double number) {
  char digits[32];
  return {digits, std::to_chars(std::begin(digits), std::end(digits), number).ptr};
}

std::string names_of(const report& r) {
  std::string all;
  for (const auto& p : r.parameters) {
    all.append(all.empty() ? "" : ", ").append(p.name);
  }
  return all.empty() ? "none" : all;
}

}  // namespace

std::string_view type_name(const allowed& a) noexcept {
  static constexpr std::string_view names[] = {"integer", "real", "text"};
  return names[a.index()];
}

std::string in_words(const allowed& a) {
  return std::visit(overloaded{[](const integer_range& r) {
                                 return "a whole number " + std::to_string(r.least) + ".." +
                                        std::to_string(r.most);
                               },
                               [](const real_range& r) {
                                 return "a number " + shortest(r.least) + ".." + shortest(r.most);
                               },
                               [](const text_limit& l) {
                                 return "a text of at most " + std::to_string(l.most) +
                                        " bytes of UTF-8";
                               }},
                    a);
}

std::string parameters_in_words(const report& r) {
  std::string all;
  for (const auto& p : r.parameters) {
    all.append(all.empty() ? "\"" : ", \"").append(p.name).append("\"");
  }
  return (r.parameters.size() == 1 ? "parameter " : "one of the parameters ") + all;
}

std::optional<value> read_value(const allowed& a, std::string_view text) {
  return std::visit(overloaded{[text](const integer_range& r) -> std::optional<value> {
                                 return read_number(text, r.least, r.most);
                               },
                               [text](const real_range& r) -> std::optional<value> {
                                 return read_number(text, r.least, r.most);  // NaN is in no range
                               },
                               [text](const text_limit& l) -> std::optional<value> {
                                 const bool good = text.size() <= l.most &&
                                                   text.find('\0') == std::string_view::npos &&
                                                   handlers::is_utf8(text);
                                 return good ? std::optional<value>(std::string(text))
                                             : std::nullopt;
                               }},
                    a);
}

std::multimap<std::string, std::string> given_by(const http::request& req) {
  std::multimap<std::string, std::string> all;
  for (const auto& p : req.parameters()) {
    all.emplace(p.name, p.value);
  }
  return all;
}

std::optional<arguments> read_arguments(const report& r,
                                        const std::multimap<std::string, std::string>& given,
                                        const std::vector<std::string_view>& also_known,
                                        std::string& problem) {
  for (const auto& [name, text] : given) {
    const bool known = std::find(also_known.begin(), also_known.end(), name) != also_known.end() ||
                       std::any_of(r.parameters.begin(), r.parameters.end(),
                                   [&name = name](const auto& p) { return p.name == name; });
    if (!known) {
      problem = "parameter " + shown_text(name) + " is not one of the report \"" + r.name +
                "\", which has: " + names_of(r);
      return std::nullopt;
    }
    if (given.count(name) > 1) {
      problem = wrong_parameter(name, std::to_string(given.count(name)) + " of it", "one");
      return std::nullopt;
    }
  }
  arguments all;
  all.reserve(r.parameters.size());
  for (const auto& p : r.parameters) {
    const auto here = given.find(p.name);
    if (here == given.end() && !p.otherwise) {
      problem = wrong_parameter(p.name, "nothing", in_words(p.allowed));
      return std::nullopt;
    }
    auto read = here == given.end() ? p.otherwise : read_value(p.allowed, here->second);
    if (!read) {
      problem = wrong_parameter(p.name, shown_text(here->second), in_words(p.allowed));
      return std::nullopt;
    }
    all.push_back(std::move(*read));
  }
  return all;
}

}  // namespace hangup::query
