#include "server/sample_place.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "server/message_text.h"

namespace hangup::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* search_root = "search.root";

std::string absolute_path_in(const char* variable) {
  const char* const text = std::getenv(variable);
  return text != nullptr && *text == '/' ? text : "";
}

bool is_usable(const fs::path& path, bool with_parents) {
  std::error_code ec;
  return fs::exists(path, ec) || !can_be_made(path.string(), with_parents);
}

std::string why_not_there(const fs::path& path) {
  std::error_code ignored;
  const auto folder = path.parent_path();
  return folder.empty() ? "nothing can be made in the current folder"
         : fs::is_directory(folder, ignored)
             ? "nothing can be made in the folder " + folder.string()
             : "there is no folder " + folder.string();
}

struct sample {
  std::string key;
  fs::path wanted;
  fs::path placed;
};

sample place(config_document& d, json& at, const std::string& key) {
  const auto path = without_slash(at.get<std::string>());
  sample s{key, path, path};
  if (path.empty() || path.is_absolute() || is_usable(path, false)) {
    return s;
  }
  const auto folder = data_folder();
  if (const auto in_it = fs::path(folder) / path.filename();
      !folder.empty() && is_usable(in_it, true)) {
    s.placed = in_it;
  } else if (is_usable(path.filename(), false)) {
    s.placed = path.filename();
  } else {
    return s;
  }
  at = s.placed.string();
  auto& from = d.from.try_emplace(key, "default").first->second;
  from += "; " + why_not_there(path);
  return s;
}

fs::path normal(const fs::path& path) {
  std::error_code ignored;
  return fs::absolute(path, ignored).lexically_normal();
}

// A database and the texts would be one as well if the same path were wanted for both.
void check_collisions(const std::vector<sample>& all, const sample& last, mistakes& wrong) {
  for (const auto& other : all) {
    if (normal(other.placed) == normal(last.placed) &&
        (normal(other.wanted) != normal(last.wanted) || last.key == search_root)) {
      wrong.add(last.key + ": found " + shown(last.wanted.string()) + ", whose place is " +
                in_one_line(last.placed.string()) + ", which is that of " + other.key +
                " as well, allowed another name");
      return;
    }
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

void place_samples(config_document& d, mistakes& wrong) {
  std::vector<sample> all;
  const auto add = [&](json& at, const std::string& key) {
    auto s = place(d, at, key);
    if (!s.wanted.empty()) {
      check_collisions(all, s, wrong);
      all.push_back(std::move(s));
    }
  };
  for (auto& database : d.values.at("databases").items()) {
    auto& what = database.value();
    if (what.at("kind") == "sqlite" && what.at("sample").get<bool>()) {
      add(what.at("file"), "databases." + database.key() + ".file");
    }
  }
  auto& search = d.values.at("search");
  if (search.at("sample").get<bool>()) {
    add(search.at("root"), search_root);
  }
}

std::string why_not_made(const std::string& path, std::error_code ec) {
  return ec.message() +
         (fs::path(path).is_absolute()
              ? ""
              : ", and neither XDG_DATA_HOME nor HOME names a folder that can be written");
}

std::error_code make_data_folder(const std::string& around) {
  std::error_code ec;
  const auto folder = fs::path(around).parent_path();
  if (!folder.empty() && folder == data_folder()) {
    fs::create_directories(folder, ec);
  }
  return ec;
}

fs::path without_slash(const std::string& path) {
  const auto normal = fs::path(path).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
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
  return ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0
             ? std::error_code()
             : std::error_code(errno, std::generic_category());
}

}  // namespace hangup::server
