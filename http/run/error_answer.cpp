#include "http/run/error_answer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "hangup/http/problem.h"
#include "http/wire/grammar.h"

namespace hangup::http {
namespace {

constexpr std::size_t most_default_bytes = 8 << 10;

// What says something about one answer only.
bool is_of_one_answer(std::string_view name) noexcept {
  static constexpr std::array<std::string_view, 4> all = {"Date", "Content-Type",
                                                          "Content-Encoding", "Content-Range"};
  return std::any_of(all.begin(), all.end(),
                     [name](std::string_view known) { return equals_ignoring_case(name, known); });
}

using header_line = std::pair<std::string, std::string>;

// Why it cannot be a default header; empty: it can.
std::string_view why_unfit(const header_line& line) noexcept {
  const auto& [name, value] = line;
  if (!is_token(name)) {
    return ": the name is not a token";
  }
  if (is_of_the_connection(name) || is_of_one_answer(name)) {
    return ": the server sets it itself";
  }
  return is_field_value(value) ? "" : ": the value has a control character in it";
}

std::size_t size_of(const header_line& line) noexcept {
  return line.first.size() + line.second.size() + 4;
}

// The page of options::make_error; empty: the answer is a problem.
std::optional<error_page> own_page(const options& how, const server_error& e) noexcept {
  if (!how.make_error || e.status < 400) {
    return std::nullopt;
  }
  try {
    auto page = how.make_error(e);
    if (page && !page->content_type.empty() && is_field_value(page->content_type) &&
        page->body.size() <= most_error_page) {
      return page;
    }
  } catch (...) {  // the client is told all the same
  }
  return std::nullopt;
}

}  // namespace

std::string whole_error(const options& how, problem_answer a, const request* head) {
  const auto page = own_page(how, {a.status, a.detail, a.request_id, head});
  if (page) {
    a.content_type = page->content_type;
    a.body = page->body;
  }
  a.defaults = how.default_headers;
  return whole_text(a);
}

void answer_error(reply& res, const options& how, const server_error& e) {
  if (auto page = own_page(how, e)) {
    res.status(e.status);
    res.body(page->content_type, std::move(page->body));
  } else {
    res.problem(e.status, e.detail);
  }
}

void check_default_headers(const options& how) {
  std::size_t bytes = 0;
  for (const auto& line : how.default_headers) {
    const auto why = why_unfit(line);
    if (!why.empty()) {
      throw std::invalid_argument("options::default_headers: " + line.first + std::string(why));
    }
    bytes += size_of(line);
  }
  if (bytes > most_default_bytes) {
    throw std::invalid_argument("options::default_headers: they have " + std::to_string(bytes) +
                                " bytes, allowed are " + std::to_string(most_default_bytes));
  }
}

void drop_unfit_default_headers(options& how) {
  std::size_t bytes = 0;
  std::erase_if(how.default_headers, [&bytes](const header_line& line) {
    const bool fits = why_unfit(line).empty() && bytes + size_of(line) <= most_default_bytes;
    bytes += fits ? size_of(line) : 0;
    return !fits;
  });
}

}  // namespace hangup::http
