#include "hangup/http/trace.h"

#include <algorithm>

#include "http/wire/hex.h"
#include "http/wire/random_hex.h"

namespace hangup::http {
namespace {

constexpr std::size_t longest_state = 512;

// Lower case only: an upper-case digit makes the header invalid.
bool all_hex(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return hex_value(c) >= 0 && (c < 'A' || c > 'F'); });
}

bool all_zero(std::string_view text) noexcept {
  return text.find_first_not_of('0') == std::string_view::npos;
}

bool printable(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; });
}

}  // namespace

trace trace::continued(std::string_view parent, std::string_view state) {
  trace t;
  if (t.read(parent)) {
    if (state.size() <= longest_state && printable(state)) {
      t.state_ = state;
    }
  } else {
    random_hex(t.id_);
  }
  random_hex(t.span_);
  return t;
}

// version "-" trace-id "-" parent-id "-" trace-flags
bool trace::read(std::string_view parent) noexcept {
  constexpr std::size_t size = 2 + 1 + 32 + 1 + 16 + 1 + 2;
  if (parent.size() < size) {
    return false;
  }
  const auto version = parent.substr(0, 2);
  const auto id = parent.substr(3, id_.size());
  const auto span = parent.substr(36, parent_.size());
  const auto flags = parent.substr(53, 2);
  const bool parts = parent[2] == '-' && parent[35] == '-' && parent[52] == '-' &&
                     all_hex(version) && all_hex(id) && all_hex(span) && all_hex(flags);
  const bool ends = parent.size() == size || (version != "00" && parent[size] == '-');
  if (!parts || !ends || version == "ff" || all_zero(id) || all_zero(span)) {
    return false;
  }
  std::copy(id.begin(), id.end(), id_.begin());
  std::copy(span.begin(), span.end(), parent_.begin());
  has_parent_ = true;
  sampled_ = (static_cast<unsigned>(hex_value(flags[1])) & 1U) != 0;
  return true;
}

std::string_view trace::parent_id() const noexcept {
  return has_parent_ ? std::string_view(parent_.data(), parent_.size()) : std::string_view();
}

// Flags without a meaning in the specification are not passed on.
std::string trace::header() const {
  std::string text = "00-";
  text.append(trace_id()).append("-").append(span_id()).append(sampled_ ? "-01" : "-00");
  return text;
}

}  // namespace hangup::http
