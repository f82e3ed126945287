// A folder of the test's own, which is removed at the end with all that is in it.
#pragma once

#include <string>
#include <string_view>

namespace hangup::test {

// In $TMPDIR, or /tmp. Only its owner can enter it.
class temporary_directory {
 public:
  temporary_directory();  // std::system_error if it cannot be made
  ~temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;

  const std::string& path() const noexcept { return path_; }
  // The path of what has this name in the folder; "" is the folder with a slash behind it.
  std::string operator/(std::string_view name) const;
  // Writes a file in the folder, or writes it anew, and returns its path.
  std::string write(std::string_view name, std::string_view contents) const;

 private:
  std::string path_;
};

}  // namespace hangup::test
