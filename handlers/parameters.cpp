#include "handlers/parameters.h"

#include "http/wire/number.h"

namespace hangup::handlers {
namespace {

constexpr std::size_t shown = 64;  // the most bytes of a client's text in a message

}  // namespace

std::string shown_text(std::string_view found) {
  std::string text = "\"";
  return text.append(found.substr(0, shown)).append(found.size() > shown ? "...\"" : "\"");
}

std::string wrong_parameter(std::string_view name, std::string_view found,
                            std::string_view allowed) {
  std::string text = "parameter \"";
  text.append(name.substr(0, shown)).append("\": found ").append(found);
  return text.append(", allowed ").append(allowed);
}

void parameters::wrong(std::string_view name, std::string_view found, std::string_view allowed) {
  if (problem_.empty()) {
    problem_ = wrong_parameter(name, found, allowed);
  }
}

bool parameters::is_there(std::string_view name) {
  const auto times = req_.count_parameter(name);
  if (times > 1) {
    wrong(name, std::to_string(times) + " of it", "one");
  }
  return times > 0;
}

std::uint64_t parameters::number(std::string_view name, std::uint64_t otherwise,
                                 std::uint64_t least, std::uint64_t most) {
  if (!is_there(name)) {
    return otherwise;
  }
  const auto found = req_.parameter(name).value_or("");
  const auto value = http::whole_number<std::uint64_t>(found);
  if (!value || *value < least || *value > most) {
    wrong(name, shown_text(found),
          "a whole number " + std::to_string(least) + ".." + std::to_string(most));
    return otherwise;
  }
  return *value;
}

bool parameters::flag(std::string_view name, bool otherwise) {
  if (!is_there(name)) {
    return otherwise;
  }
  const auto found = req_.parameter(name).value_or("");
  if (found != "0" && found != "1") {
    wrong(name, shown_text(found), "0 or 1");
    return otherwise;
  }
  return found == "1";
}

std::string parameters::choice(std::string_view name, std::string_view allowed) {
  auto found = is_there(name) ? std::string(*req_.parameter(name)) : std::string();
  if (found.empty()) {
    wrong(name, "nothing", allowed);
  }
  return found;
}

std::string parameters::text(std::string_view name, std::size_t most) {
  const auto allowed = "1.." + std::to_string(most) + " bytes";
  auto found = choice(name, allowed);
  if (found.size() > most) {
    wrong(name, std::to_string(found.size()) + " bytes", allowed);
  }
  return found;
}

std::string parameters::text_or(std::string_view name, std::string_view otherwise,
                                std::size_t most) {
  return is_there(name) ? text(name, most) : std::string(otherwise);
}

}  // namespace hangup::handlers
