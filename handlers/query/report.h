// Reports: what a client may ask a database for. The SQL is the operator's, from the configuration;
// a client names a report and gives its arguments, which are bound and never become SQL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hangup::query {

// What an argument may be: the alternative is its type.
struct integer_range {
  std::int64_t least = 0;
  std::int64_t most = 0;
  bool operator==(const integer_range&) const = default;
};
struct real_range {  // finite numbers
  double least = 0;
  double most = 0;
  bool operator==(const real_range&) const = default;
};
struct text_limit {      // UTF-8 without a NUL
  std::size_t most = 0;  // bytes
  bool operator==(const text_limit&) const = default;
};
using allowed = std::variant<integer_range, real_range, text_limit>;

// An argument: of the same alternative as its parameter's `allowed`.
using value = std::variant<std::int64_t, double, std::string>;
// As many as the report has parameters, in their order.
using arguments = std::vector<value>;

struct parameter {
  std::string name;
  query::allowed allowed{};
  std::optional<value> otherwise{};  // none: a request has to give it
  bool operator==(const parameter&) const = default;
};

struct report {
  std::string name;
  std::string description{};
  std::string sql;  // one statement; $1 is the first parameter
  std::vector<parameter> parameters{};
  bool operator==(const report&) const = default;
};

// "integer", "real", "text"
std::string_view type_name(const allowed& a) noexcept;
// "a whole number 1..100", "a number 0..0.5", "a text of at most 64 bytes"
std::string in_words(const allowed& a);

// "parameter \"a\"", "one of the parameters \"a\", \"b\"": what an engine's complaint may be about.
std::string parameters_in_words(const report& r);

// Reads one argument as a client writes it. None if it is not what is allowed.
std::optional<value> read_value(const allowed& a, std::string_view text);

// Reads a request's arguments. Nothing, and the first problem in words for the client (the name of
// the parameter, what was found, what is allowed), if one is wrong, missing, given twice or not
// known. `given` may have what is in `also_known`: it is not looked at.
std::optional<arguments> read_arguments(const report& r,
                                        const std::multimap<std::string, std::string>& given,
                                        const std::vector<std::string_view>& also_known,
                                        std::string& problem);

}  // namespace hangup::query
