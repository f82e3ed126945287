// W3C Trace Context (https://www.w3.org/TR/trace-context/): the trace across several servers that a
// request belongs to. A request with a `traceparent` header continues that trace with a new span;
// any other request begins a new trace. It is stored as a value of the request's context: see
// trace_of() in request.h.
#pragma once

#include <array>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace hangup::http {

class trace {
 public:
  // A new span of the trace that the header values name, with the span named there as parent. If
  // `parent` is empty or not exactly what the specification allows, a new trace is begun and
  // `state` is ignored. Versions after 00 are read like 00. `state` is kept if it is well-formed
  // and has at most 512 bytes, otherwise dropped.
  static trace continued(std::string_view parent, std::string_view state);

  std::string_view trace_id() const noexcept { return {id_.data(), id_.size()}; }     // 32 digits
  std::string_view span_id() const noexcept { return {span_.data(), span_.size()}; }  // 16
  std::string_view parent_id() const noexcept;  // empty if the trace begins here
  bool sampled() const noexcept { return sampled_; }
  const std::string& state() const noexcept { return state_; }

  // The value of `traceparent` for a request that is made as part of this span.
  std::string header() const;

 private:
  trace() = default;
  bool read(std::string_view parent) noexcept;

  std::array<char, 32> id_{};
  std::array<char, 16> span_{};
  std::array<char, 16> parent_{};
  bool has_parent_ = false;
  bool sampled_ = false;
  std::string state_;
};

}  // namespace hangup::http

#pragma GCC visibility pop
