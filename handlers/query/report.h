// Reports: the queries that a client may run. The SQL comes from the operator's configuration. A
// client chooses a report and gives its arguments, which are bound as parameters and never become
// part of the SQL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hangup/http/request.h"

namespace hangup::query {

// The allowed values of an argument; the alternative determines its type.
struct integer_range {
  std::int64_t least = 0;
  std::int64_t most = 0;
  bool operator==(const integer_range&) const = default;
};
struct real_range {  // finite numbers only
  double least = 0;
  double most = 0;
  bool operator==(const real_range&) const = default;
};
struct text_limit {      // valid UTF-8 without a NUL
  std::size_t most = 0;  // bytes
  bool operator==(const text_limit&) const = default;
};
using allowed = std::variant<integer_range, real_range, text_limit>;

// An argument, of the type that its parameter allows.
using value = std::variant<std::int64_t, double, std::string>;
// One for each parameter of the report, in their order.
using arguments = std::vector<value>;

struct parameter {
  std::string name;
  query::allowed allowed{};
  std::optional<value> otherwise{};  // the default; empty: the request must give a value
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

// How messages name what an engine may complain about: `parameter "a"`, or `one of the parameters
// "a", "b"`.
std::string parameters_in_words(const report& r);

// Parses an argument as a client writes it. Returns nullopt if it is not allowed.
std::optional<value> read_value(const allowed& a, std::string_view text);

// The parameters of a request's query, by name.
std::multimap<std::string, std::string> given_by(const http::request& req);

// Parses the arguments of a request. If one is wrong, missing, given twice or unknown, returns
// nullopt, and the first problem as a text for the client: the name of the parameter, what was
// found, and what is allowed. Parameters in `also_known` are ignored.
std::optional<arguments> read_arguments(const report& r,
                                        const std::multimap<std::string, std::string>& given,
                                        const std::vector<std::string_view>& also_known,
                                        std::string& problem);

}  // namespace hangup::query
