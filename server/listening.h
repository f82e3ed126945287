// The addresses that a configuration says to listen on.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "hangup/http/listen_address.h"
#include "server/config.h"
#include "server/mistakes.h"

namespace hangup::server {

// In the order of listen.host, listen.path and listen.more. Those of listen.more that are no
// addresses are left out; check_listen() has told of them.
std::vector<http::listen_address> addresses_of(const config::listen_t& c);

// Adds what is wrong with the section "listen" and what the schema cannot say: no address at all,
// a path that is too long, and what is not an address.
void check_listen(const nlohmann::json& listen, mistakes& wrong);

// Why nothing can listen on one of these addresses, each in one line that begins with its key. One
// that is in use is no mistake. Uses the resolver, which may take long.
void check_addresses(const config::listen_t& c, mistakes& wrong);

// Why the address at this index of addresses_of() is not listened on:
// "cannot listen on host "127.0.0.1", port 8080: Address already in use"
std::string not_listening(const config::listen_t& c, std::size_t index, const std::error_code& why);

}  // namespace hangup::server
