// Reads and checks the parameters of a request's query. The first problem is kept, as a text for
// the client: the name of the parameter, what was found, and what is allowed. A parameter that is
// given twice is a problem, because a proxy in front of the server may use the other value.
// Parameters that are not read are ignored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hangup/http/request.h"

namespace hangup::handlers {

// The form of all such messages: `parameter "limit": found "x", allowed a whole number 1..100`. The
// name is shortened as a value is.
std::string wrong_parameter(std::string_view name, std::string_view found,
                            std::string_view allowed);

// Text from a client, in quotes and shortened.
std::string shown_text(std::string_view found);

class parameters {
 public:
  explicit parameters(const http::request& req) noexcept : req_(req) {}

  // A decimal number from `least` to `most`. Returns `otherwise` if the parameter is absent or
  // wrong.
  std::uint64_t number(std::string_view name, std::uint64_t otherwise, std::uint64_t least,
                       std::uint64_t most);
  bool flag(std::string_view name, bool otherwise);  // 0 or 1
  // Required, not empty, at most `most` bytes.
  std::string text(std::string_view name, std::size_t most);
  // Required, not empty; `allowed` is for the message otherwise.
  std::string choice(std::string_view name, std::string_view allowed);
  std::string text_or(std::string_view name, std::string_view otherwise, std::size_t most);

  // Records a further problem with a parameter that has been read.
  void wrong(std::string_view name, std::string_view found, std::string_view allowed);

  // The first problem; empty if there is none.
  const std::string& problem() const noexcept { return problem_; }

 private:
  bool is_there(std::string_view name);

  const http::request& req_;
  std::string problem_;
};

}  // namespace hangup::handlers
