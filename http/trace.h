// Trace Context (https://www.w3.org/TR/trace-context/): which journey through many servers a
// request belongs to. A request that says so in `traceparent` continues that trace as a new span;
// any other begins one. A value of the request's context: see trace_of() in request.h.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace hangup::http {

class trace {
 public:
  // A span of the trace that the headers name, and whose parent is the span named there; of a new
  // trace if `parent` is empty or not exactly what the specification allows (then `state` is
  // ignored). Versions after 00 are read as 00. Of `state` up to 512 bytes are kept, and none of a
  // longer or malformed one.
  static trace continued(std::string_view parent, std::string_view state);

  std::string_view trace_id() const noexcept { return {id_.data(), id_.size()}; }     // 32 digits
  std::string_view span_id() const noexcept { return {span_.data(), span_.size()}; }  // 16
  std::string_view parent_id() const noexcept;  // empty if the trace begins here
  bool sampled() const noexcept { return sampled_; }
  const std::string& state() const noexcept { return state_; }

  // For a request made on behalf of this span: the value of its `traceparent`.
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
