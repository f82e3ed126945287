#include "handlers/search/search_error.h"

#include <string>

namespace hangup::search {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "search"; }

  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::bad_pattern:
        return "invalid pattern";
      case errc::bad_path:
        return "invalid path";
      case errc::outside_root:
        return "the path leads outside of the root, or onto another file system";
      case errc::not_searchable:
        return "the path is neither a regular file nor a directory";
      case errc::unreadable:
        return "the path is not readable";
      case errc::kept_out:
        return "the path is one of the server's own files, which are not searched";
      case errc::not_found:
        return "the path does not exist";
      case errc::locked:
        return "the root is locked";
    }
    return "unknown search error";
  }
};

}  // namespace

const std::error_category& search_category() noexcept {
  static const category instance;
  return instance;
}

}  // namespace hangup::search
