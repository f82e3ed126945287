// The parameters of a request's query, checked. The first problem is kept, in words for the client:
// the name of the parameter, what was found, what is allowed. One that is there twice is a problem:
// what is in front of the server may take the other one. Names that nobody asks for are ignored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/httplib.h"

namespace hangup::handlers {

// "parameter "limit": found "x", allowed a whole number 1..100": the form of all such problems. Of
// the name so much is shown as of a value.
std::string wrong_parameter(std::string_view name, std::string_view found,
                            std::string_view allowed);

// What a stranger wrote, in quotes, and no more than the beginning of it.
std::string shown_text(std::string_view found);

class parameters {
 public:
  explicit parameters(const httplib::Request& req) noexcept : req_(req) {}

  // A decimal number from `least` to `most`; `otherwise` if the parameter is absent or wrong.
  std::uint64_t number(const char* name, std::uint64_t otherwise, std::uint64_t least,
                       std::uint64_t most);
  bool flag(const char* name, bool otherwise);  // 0 or 1
  // Must be there and not be empty, at most `most` bytes.
  std::string text(const char* name, std::size_t most);
  // Must be there and not be empty; `allowed` is said if it is not.
  std::string choice(const char* name, std::string_view allowed);
  std::string text_or(const char* name, const char* otherwise, std::size_t most);

  // For what else is wrong with a parameter that has been read.
  void wrong(std::string_view name, std::string_view found, std::string_view allowed);

  // The first problem; empty if there is none.
  const std::string& problem() const noexcept { return problem_; }

 private:
  bool is_there(const char* name);

  const httplib::Request& req_;
  std::string problem_;
};

}  // namespace hangup::handlers
