#include "server/sample_place.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace hangup::server {
namespace {

namespace fs = std::filesystem;

std::string absolute_path_in(const char* variable) {
  const char* const text = std::getenv(variable);
  return text != nullptr && *text == '/' ? text : "";
}

// "corpus/" is "corpus".
fs::path without_slash(const std::string& path) {
  const auto normal = fs::path(path).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

void place(document& d, nlohmann::json& at, const std::string& key) {
  const auto path = without_slash(at.get<std::string>());
  std::error_code ignored;
  if (path.empty() || path.is_absolute() || !path.has_parent_path() ||
      fs::is_directory(path.parent_path(), ignored)) {
    return;
  }
  if (const auto folder = data_folder(); !folder.empty()) {
    at = folder + "/" + path.filename().string();
    d.from[key] = "there is no folder " + path.parent_path().string();
  }
}

}  // namespace

std::string data_folder() {
  if (const auto data = absolute_path_in("XDG_DATA_HOME"); !data.empty()) {
    return data + "/hangup";
  }
  const auto home = absolute_path_in("HOME");
  return home.empty() ? "" : home + "/.local/share/hangup";
}

void place_samples(document& d) {
  for (auto& database : d.values.at("databases").items()) {
    auto& what = database.value();
    if (what.at("kind") == "sqlite" && what.at("sample").get<bool>()) {
      place(d, what.at("file"), "databases." + database.key() + ".file");
    }
  }
  auto& search = d.values.at("search");
  if (search.at("sample").get<bool>()) {
    place(d, search.at("root"), "search.root");
  }
}

std::error_code make_data_folder(const std::string& around) {
  std::error_code ec;
  const auto folder = fs::path(around).parent_path();
  if (!folder.empty() && folder == data_folder()) {
    fs::create_directories(folder, ec);
  }
  return ec;
}

std::error_code can_be_made(const std::string& path, bool with_parents) {
  auto folder = without_slash(path).parent_path();
  std::error_code ec;
  while (with_parents && !folder.empty() && folder.has_relative_path() && !fs::exists(folder, ec) &&
         !ec) {
    folder = folder.parent_path();
  }
  folder = folder.empty() ? "." : folder;
  if (const auto is = fs::status(folder, ec); is.type() == fs::file_type::not_found || ec) {
    return ec ? ec : std::make_error_code(std::errc::no_such_file_or_directory);
  }
  if (!fs::is_directory(folder, ec)) {
    return ec ? ec : std::make_error_code(std::errc::not_a_directory);
  }
  return ::access(folder.c_str(), W_OK | X_OK) == 0
             ? std::error_code()
             : std::error_code(errno, std::generic_category());
}

}  // namespace hangup::server
