#include "hangup/context/cause.h"

namespace hangup {

std::string describe(const location& where) {
  return where.line == 0 ? std::string()
                         : std::string(where.file) + ":" + std::to_string(where.line);
}

std::string describe(const cause& why) {
  std::string text(why.kind.text());
  if (!why.text.empty()) {
    text.append(": ").append(why.text);
  } else if (why.code) {
    text.append(": ").append(why.code.message());
  }
  return text;
}

}  // namespace hangup
