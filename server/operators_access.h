// Who may ask for the pages for operators.
//
// With admin.token_file: who has the token (Authorization: Bearer, RFC 6750). Only the live page
// itself (live_page.h) is sent without one. In any case the name in Host must be one of this
// server: an address, a name without a dot, a name in listen or admin.listen, or one of
// admin.hosts. A web page can give a name of its own the address of this server (DNS rebinding),
// and would then be of the same origin as these pages; but it cannot change the name. And no page
// of another origin may ask for these, by the rule of handlers/own_pages.h, although it could not
// read them: it could take the places of all viewers, for one. A person who follows a link from
// such a page to the live page may.
//
// Thread-safe: requests are asked about by all front threads at once, also while the token is read
// again. One lock guards the token, for as long as it takes to copy the handle to it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hangup/http/request.h"
#include "hangup/http/route.h"
#include "server/config.h"

namespace hangup::server {

// What the file has, without the end of its line; empty: none is configured. Throws
// std::invalid_argument, one line that begins with admin.token_file.
std::string token_of(const config::admin_t& c);

// Whether it is the one of docker/secrets, which is published with the sources.
bool is_published(std::string_view token);

// Whether the texts are equal, in a time that does not depend on where they differ, nor on the
// length of either.
bool same_in_constant_time(std::string_view a, std::string_view b);

// Why a request was not served.
enum class denied_for : std::uint8_t { host, origin, token };
inline constexpr std::size_t reasons_to_deny = 3;
std::string_view name(denied_for r) noexcept;

class operators_access {
 public:
  // Throws as token_of() does.
  explicit operators_access(const config& c);

  // Why this request is not served; empty: it is.
  std::optional<http::denial> operator()(const http::request& req) const;
  // Reads the token again. Throws as token_of() does, and keeps the old one then.
  void reload();
  // How many were not served for this reason.
  std::uint64_t denied(denied_for why) const noexcept {
    return denied_[static_cast<std::size_t>(why)].load(std::memory_order_relaxed);
  }

 private:
  bool is_own_name(std::string_view authority) const;
  http::denial deny(denied_for why, http::denial as) const;

  const config::admin_t how_;
  std::vector<std::string> names_;  // in small letters
  mutable std::array<std::atomic<std::uint64_t>, reasons_to_deny> denied_{};
  mutable std::mutex mutex_;
  std::shared_ptr<const std::string> token_;  // guarded by mutex_; empty: none is asked for
};

}  // namespace hangup::server
