#include "server/text_file.h"

#include <cerrno>
#include <cstdio>
#include <memory>

namespace hangup::server {

std::error_code read_text_file(const std::string& path, std::size_t most, std::string& to) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (!file) {
    return {errno, std::generic_category()};
  }
  to.assign(most + 1, '\0');  // one more, to see that there is more
  to.resize(std::fread(to.data(), 1, to.size(), file.get()));
  if (std::ferror(file.get()) != 0) {
    return {errno, std::generic_category()};
  }
  return to.size() > most ? std::make_error_code(std::errc::file_too_large) : std::error_code();
}

}  // namespace hangup::server
