#include "handlers/relay/via.h"

#include "http/wire/header_list.h"

namespace hangup::handlers {
namespace {

std::string second_word(std::string_view entry) {
  const auto gap = entry.find_first_of(" \t");
  if (gap == std::string_view::npos) {
    return {};
  }
  entry = http::trimmed(entry.substr(gap));
  return std::string(entry.substr(0, entry.find_first_of(" \t(")));
}

}  // namespace

std::vector<std::string> received_by(std::string_view via) {
  std::vector<std::string> names;
  http::for_each_element(
      via, [&](std::string_view entry) { names.push_back(second_word(entry)); },
      http::list_of::comments);
  return names;
}

}  // namespace hangup::handlers
