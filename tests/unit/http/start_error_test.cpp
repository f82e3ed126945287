// What server::start() returns: which uses of it compile, and what it is.
#include "hangup/http/start_error.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "hangup/http/server.h"

namespace hangup::http {
namespace {

// `if (server.start(...))` and `if (!server.start(...))`
template <class Server>
concept is_a_condition = requires(Server& s) {
  s.start("127.0.0.1", 1) ? 1 : 0;
};
template <class Server>
concept is_negated = requires(Server& s) {
  !s.start("127.0.0.1", 1);
};
template <class Server>
concept is_a_condition_inherited = requires(Server& s) {
  s.start_inherited(std::span<const int>()) ? 1 : 0;
};
// The name that has the opposite truth elsewhere.
template <class Server>
concept listens = requires(Server& s) {
  s.listen("127.0.0.1", 1);
};
template <class Server>
concept gives_an_error = requires(Server& s) {
  std::error_code(s.start("127.0.0.1", 1));
};

static_assert(gives_an_error<server>);
static_assert(!is_a_condition<server>);
static_assert(!is_negated<server>);
static_assert(!is_a_condition_inherited<server>);
static_assert(!listens<server>);
static_assert(!std::is_convertible_v<start_error, bool>);

start_error made(std::error_code ec) {
  return ec;
}

TEST(start_error, is_an_error_code_with_a_name) {
  if (const auto ec = made(std::make_error_code(std::errc::address_in_use))) {
    EXPECT_EQ(ec, std::errc::address_in_use);
    EXPECT_EQ(ec.message(), std::make_error_code(std::errc::address_in_use).message());
    EXPECT_FALSE(!ec);
  } else {
    ADD_FAILURE() << "it is an error";
  }
  const auto none = made({});
  EXPECT_FALSE(none);
  EXPECT_TRUE(!none);
  const std::error_code as = made(std::make_error_code(std::errc::not_a_socket));
  EXPECT_EQ(as, std::errc::not_a_socket);
}

}  // namespace
}  // namespace hangup::http
