#include "handlers/parameters.h"

#include <charconv>

namespace hangup::handlers {
namespace {

constexpr std::size_t shown = 64;  // of what a stranger wrote

std::string shown_text(std::string_view found) {
  std::string text = "\"";
  text.append(found.substr(0, shown)).append(found.size() > shown ? "...\"" : "\"");
  return text;
}

}  // namespace

void parameters::wrong(const char* name, std::string_view found, const std::string& allowed) {
  if (problem_.empty()) {
    problem_ = "parameter \"" + std::string(name) + "\": found " + std::string(found) +
               ", allowed " + allowed;
  }
}

std::uint64_t parameters::number(const char* name, std::uint64_t otherwise, std::uint64_t least,
                                 std::uint64_t most) {
  if (!req_.has_param(name)) {
    return otherwise;
  }
  const auto found = req_.get_param_value(name);
  const auto* const end = found.data() + found.size();
  std::uint64_t value = 0;
  const auto [stop, ec] = std::from_chars(found.data(), end, value);
  if (ec != std::errc{} || stop != end || value < least || value > most) {
    wrong(name, shown_text(found),
          "a whole number " + std::to_string(least) + ".." + std::to_string(most));
    return otherwise;
  }
  return value;
}

bool parameters::flag(const char* name, bool otherwise) {
  if (!req_.has_param(name)) {
    return otherwise;
  }
  const auto found = req_.get_param_value(name);
  if (found != "0" && found != "1") {
    wrong(name, shown_text(found), "0 or 1");
    return otherwise;
  }
  return found == "1";
}

std::string parameters::text(const char* name, std::size_t most) {
  auto found = req_.get_param_value(name);
  if (found.empty()) {
    wrong(name, "nothing", "1.." + std::to_string(most) + " bytes");
  } else if (found.size() > most) {
    wrong(name, std::to_string(found.size()) + " bytes", "1.." + std::to_string(most) + " bytes");
  }
  return found;
}

std::string parameters::text_or(const char* name, const char* otherwise, std::size_t most) {
  return req_.has_param(name) ? text(name, most) : otherwise;
}

}  // namespace hangup::handlers
