// Writes generated files and the generated parts of pages anew, or with --check says which are not
// current (exit 1):
//
//   reference [--check] FILE...
//
// config/server.schema.json and config/server.json are generated as a whole. In a page a part
// stands between `<!-- generated: NAME -->` and `<!-- end of generated -->`.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/docs/reference.h"

namespace hangup::docs {
namespace {

constexpr std::string_view part_begins = "<!-- generated: ";
constexpr std::string_view name_ends = " -->\n";
constexpr std::string_view part_ends = "<!-- end of generated -->";

using generated = std::map<std::string, std::function<std::string()>>;

std::string renewed(const std::string& page, const generated& parts) {
  std::string out;
  std::size_t from = 0;
  for (auto at = page.find(part_begins); at != std::string::npos;
       at = page.find(part_begins, from)) {
    const auto named = at + part_begins.size();
    const auto body = page.find(name_ends, named);
    const auto until = page.find(part_ends, named);
    if (body == std::string::npos || until == std::string::npos) {
      throw std::runtime_error("a generated part has no end");
    }
    const auto name = page.substr(named, body - named);
    const auto part = parts.find(name);
    if (part == parts.end()) {
      throw std::runtime_error("there is no generated part \"" + name + "\"");
    }
    out.append(page, from, body + name_ends.size() - from).append(part->second());
    from = until;
  }
  if (from == 0) {
    throw std::runtime_error("it has no generated part");
  }
  return out.append(page, from);
}

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || !text) {
    throw std::runtime_error("cannot be read");
  }
  return text.str();
}

// False: it is not current.
bool update(const std::string& path, const generated& files, const generated& parts,
            bool only_check) {
  const auto before = contents(path);
  const auto file = files.find(path);
  const auto now = file == files.end() ? renewed(before, parts) : file->second();
  if (now == before) {
    return true;
  }
  if (only_check) {
    const auto at = std::mismatch(before.begin(), before.end(), now.begin(), now.end()).first;
    std::fprintf(stderr, "%s:%td: is not current: run scripts/reference\n", path.c_str(),
                 1 + std::count(before.begin(), at, '\n'));
    return false;
  }
  std::ofstream out(path, std::ios::binary);
  if (!(out << now).flush()) {
    throw std::runtime_error("cannot be written");
  }
  std::printf("%s: written\n", path.c_str());
  return true;
}

int run(std::vector<std::string> files) {
  const bool only_check = !files.empty() && files.front() == "--check";
  files.erase(files.begin(), files.begin() + (only_check ? 1 : 0));
  if (files.empty() || files.front().starts_with('-')) {
    std::fputs("usage: reference [--check] FILE...\n", stderr);
    return 2;
  }
  // Made only where a page needs it: it reads config/server.json, which may have to be written
  // first.
  std::optional<whole_program> made;
  const auto program = [&]() -> whole_program& { return made ? *made : made.emplace(); };
  const generated whole{{"config/server.schema.json", schema_file},
                        {"config/server.json", configuration_file}};
  const generated parts{{"configuration", configuration},
                        {"routes", [&] { return routes(program()); }},
                        {"parameters", parameters},
                        {"ends", ends},
                        {"metrics", [&] { return metrics(program()); }}};
  int code = 0;
  for (const auto& file : files) {
    try {
      code = update(file, whole, parts, only_check) ? code : 1;
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s: %s\n", file.c_str(), e.what());
      code = 1;
    }
  }
  return code;
}

}  // namespace
}  // namespace hangup::docs

int main(int argc, char** argv) {
  try {
    return hangup::docs::run({argv + std::min(argc, 1), argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "reference: %s\n", e.what());
    return 1;
  }
}
