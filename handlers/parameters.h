// The parameters of a request's query, checked. The first problem is kept, in words for the client:
// the name of the parameter, what was found, what is allowed. Names that nobody asks for are
// ignored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/httplib.h"

namespace hangup::handlers {

class parameters {
 public:
  explicit parameters(const httplib::Request& req) noexcept : req_(req) {}

  // A decimal number from `least` to `most`; `otherwise` if the parameter is absent or wrong.
  std::uint64_t number(const char* name, std::uint64_t otherwise, std::uint64_t least,
                       std::uint64_t most);
  bool flag(const char* name, bool otherwise);  // 0 or 1
  // Must be there and not be empty, at most `most` bytes.
  std::string text(const char* name, std::size_t most);
  std::string text_or(const char* name, const char* otherwise, std::size_t most);

  // The first problem; empty if there is none.
  const std::string& problem() const noexcept { return problem_; }

 private:
  void wrong(const char* name, std::string_view found, const std::string& allowed);

  const httplib::Request& req_;
  std::string problem_;
};

}  // namespace hangup::handlers
