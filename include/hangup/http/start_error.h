// What server::start() returns: a std::error_code that must be looked at under a name.
//
//   if (const auto ec = server.start("127.0.0.1", 8080)) {
//     std::cerr << "cannot listen: " << ec.message() << std::endl;
//   }
//
// Elsewhere a function that begins to listen often returns true when it could, and here an error is
// what is true. So `if (!server.start(...))` and `if (server.start(...))` do not compile: each
// would be right for one of the two and wrong for the other. It costs what a std::error_code costs.
#pragma once

#include <system_error>

#pragma GCC visibility push(default)

namespace hangup::http {

class [[nodiscard]] start_error : public std::error_code {
 public:
  start_error() noexcept = default;
  start_error(const std::error_code& ec) noexcept  // NOLINT(google-explicit-constructor)
      : std::error_code(ec) {}

  // Whether there is an error, of one with a name.
  explicit operator bool() const& noexcept { return value() != 0; }
  bool operator!() const& noexcept { return value() == 0; }
  // One without a name: write `if (const auto ec = server.start(...))`.
  explicit operator bool() const&& = delete;
  bool operator!() const&& = delete;
};

}  // namespace hangup::http

#pragma GCC visibility pop
