#include "hangup/http/request.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "http/exchange/incoming.h"
#include "http/run/piece_source.h"
#include "http/wire/grammar.h"

namespace hangup::http {

template <>
bool read_wait::await_ready() {
  if (auto* const source = request_access::source(of_)) {
    return source->read(ctx_, piece_);
  }
  const bool first = !std::exchange(request_access::was_read(of_), true);
  piece_ = first && !ctx_.done() ? of_.body() : std::string_view();
  return true;
}

template <>
task<>& read_wait::rest() const noexcept {
  return request_access::source(of_)->more();
}

template <>
std::error_code read_wait::await_resume() const noexcept {
  const auto* const source = request_access::source(of_);
  return source != nullptr ? source->outcome(ctx_) : ctx_.err();
}

request::request(std::string_view method, std::string_view target,
                 const std::vector<field>& headers, std::string_view body,
                 std::string_view path_parameter, std::string_view path_parameter_name) {
  std::string text(method);
  text.append(" ").append(target).append(" HTTP/1.1\r\n");
  if (std::none_of(headers.begin(), headers.end(),
                   [](const field& h) { return equals_ignoring_case(h.name, "Host"); })) {
    text.append("Host: localhost\r\n");
  }
  for (const auto& [name, value] : headers) {
    text.append(name).append(": ").append(value).append("\r\n");
  }
  text.append("\r\n");
  request_head head;
  refusal why;
  switch (read_head(text, {}, head, why)) {
    case head_is::refused:
      throw std::invalid_argument(why.detail);
    case head_is::incomplete:
      throw std::invalid_argument("the head is not complete");
    case head_is::whole:
      break;
  }
  if (head.size != text.size()) {
    throw std::invalid_argument("an empty line within the head");
  }
  const auto at = head.path.find(path_parameter);
  if (at == std::string::npos) {
    throw std::invalid_argument("the path parameter is not in the path");
  }
  static const peer nobody;
  request_access::fill(*this, head, std::string_view(head.path).substr(at, path_parameter.size()),
                       nobody, path_parameter_name);
  body_ = body;
}

request::~request() = default;

std::size_t request::count_parameter(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::count_if(parameters_.begin(), parameters_.end(),
                                                [name](const field& p) { return p.name == name; }));
}

std::optional<std::string_view> request::parameter(std::string_view name) const noexcept {
  for (const auto& p : parameters_) {
    if (p.name == name) {
      return p.value;
    }
  }
  return std::nullopt;
}

std::vector<std::string_view> request::parameter_values(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& p : parameters_) {
    if (p.name == name) {
      values.push_back(p.value);
    }
  }
  return values;
}

std::optional<std::string_view> request::path_parameter(std::string_view name) const noexcept {
  return !name.empty() && name == path_parameter_name_ ? std::optional(path_parameter_)
                                                       : std::nullopt;
}

std::size_t request::count_header(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(headers_.begin(), headers_.end(),
                    [name](const field& h) { return equals_ignoring_case(h.name, name); }));
}

std::optional<std::string_view> request::header(std::string_view name) const noexcept {
  for (const auto& h : headers_) {
    if (equals_ignoring_case(h.name, name)) {
      return h.value;
    }
  }
  return std::nullopt;
}

std::string request::header_list(std::string_view name) const {
  std::string list;
  for (const auto& h : headers_) {
    if (equals_ignoring_case(h.name, name)) {
      list.append(list.empty() ? "" : ", ").append(h.value);
    }
  }
  return list;
}

}  // namespace hangup::http
