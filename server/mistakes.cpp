#include "server/mistakes.h"

namespace hangup::server {

std::string mistakes::text() const {
  std::string all;
  for (const auto& line : lines_) {
    all.append(all.empty() ? "" : "\n").append(line);
  }
  if (count_ > lines_.size()) {
    all.append("\nand ").append(std::to_string(count_ - lines_.size())).append(" more");
  }
  return all;
}

}  // namespace hangup::server
