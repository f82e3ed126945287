#include "handlers/via.h"

namespace hangup::handlers {
namespace {

constexpr std::string_view blanks = " \t";

std::string second_word(std::string_view entry) {
  const auto gap = entry.find_first_of(blanks);
  if (gap == std::string_view::npos) {
    return {};
  }
  entry.remove_prefix(entry.find_first_not_of(blanks, gap));
  return std::string(entry.substr(0, entry.find_first_of(" \t(")));
}

}  // namespace

std::vector<std::string> received_by(std::string_view via) {
  std::vector<std::string> names;
  std::size_t depth = 0;  // of comments, which may have commas in them
  std::size_t from = 0;
  for (std::size_t i = 0; i <= via.size(); ++i) {
    const char c = i < via.size() ? via[i] : ',';
    if (c == '\\' && depth > 0) {
      ++i;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && depth > 0) {
      --depth;
    } else if ((c == ',' && depth == 0) || i == via.size()) {
      auto entry = via.substr(from, i - from);
      from = i + 1;
      const auto begin = entry.find_first_not_of(blanks);
      if (begin == std::string_view::npos) {
        continue;
      }
      entry = entry.substr(begin, entry.find_last_not_of(blanks) + 1 - begin);
      names.push_back(second_word(entry));
    }
  }
  return names;
}

}  // namespace hangup::handlers
