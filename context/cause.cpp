#include "hangup/context/cause.h"

namespace hangup {

std::string describe(const location& where) {
  return where.line == 0 ? std::string()
                         : std::string(where.file) + ":" + std::to_string(where.line);
}

std::string describe(const cause& why) {
  std::string said(why.kind.text());
  if (!why.text.empty()) {
    said.append(": ").append(why.text);
  } else if (why.code) {
    said.append(": ").append(why.code.message());
  }
  return said;
}

}  // namespace hangup
