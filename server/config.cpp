#include "server/config.h"

#include "server/config_keys.h"

namespace hangup::server {
namespace {

config valid(const config_document& d, const mistakes& wrong) {
  if (!wrong.empty()) {
    throw config_error(wrong.text());
  }
  return config_of(d);
}

}  // namespace

config config_of(const config_document& d) {
  config c;
  config_keys().read(d.values, c);
  return c;
}

config load(const std::string& path, const std::vector<setting>& settings) {
  mistakes wrong;
  const auto d = load_document(path, "", settings, wrong);
  return valid(d, wrong);
}

config parse(std::string_view text, std::string_view name, const std::vector<setting>& settings) {
  mistakes wrong;
  const auto d = read_document(text, name, settings, wrong);
  return valid(d, wrong);
}

config defaults(const std::vector<setting>& settings) {
  return parse("{}", built_in, settings);
}

}  // namespace hangup::server
