#include <array>
#include <stdexcept>

#include "tests/docs/reference.h"

namespace hangup::docs {

whole_program::whole_program() {
  // PostgreSQL is not asked before the first query, an upstream not before the first call.
  const auto databases = R"(HANGUP_DATABASES={")" + std::string(database) +
                         R"(": {"kind": "postgres", "conninfo": "host=127.0.0.1"}})";
  const auto upstreams = R"(HANGUP_RELAY__UPSTREAMS={")" + std::string(upstream) +
                         R"(": {"url": "http://127.0.0.1:1"}})";
  const std::array<const char*, 6> environment{databases.c_str(),
                                               upstreams.c_str(),
                                               "HANGUP_SEARCH__ROOT=docs",
                                               "HANGUP_SEARCH__SAMPLE=false",
                                               R"(HANGUP_ADMIN__PEERS=["127.0.0.1:1"])",
                                               nullptr};
  const std::array<const char*, 2> arguments{"hangup", "--print-config"};
  with_ = server::read_flags(1, arguments.data(), environment.data());
  if (with_.exit_code) {
    throw std::runtime_error(with_.message);
  }
  printed_ = "\n" + server::read_flags(2, arguments.data(), environment.data()).message;
  program_ = std::make_unique<server::program>(background(), with_);
}

std::string whole_program::setting(const std::string& key) const {
  const auto before = "\n" + key + " = ";
  const auto at = printed_.find(before);
  if (at == std::string::npos) {
    throw std::runtime_error("there is no setting " + key);
  }
  const auto from = at + before.size();
  return printed_.substr(from, printed_.find(' ', from) - from);
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out.append(c == '|' ? "\\|" : c == '\n' ? " " : std::string(1, c));
  }
  return out;
}

std::string code(std::string_view text) {
  return "`" + cell(text) + "`";
}

}  // namespace hangup::docs
