#include "tests/support/temporary_directory.h"

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace hangup::test {

namespace fs = std::filesystem;

temporary_directory::temporary_directory()
    : path_((fs::temp_directory_path() / "hangup-test-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp " + path_);
  }
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string temporary_directory::operator/(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

std::string temporary_directory::write(std::string_view name, std::string_view contents) const {
  auto file = *this / name;
  std::ofstream out(file, std::ios::binary);
  if (!out.write(contents.data(), static_cast<std::streamsize>(contents.size())).flush()) {
    throw std::runtime_error(file + ": cannot be written");
  }
  return file;
}

}  // namespace hangup::test
