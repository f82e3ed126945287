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

// In the order of listen.host, listen.path, listen.more and admin.listen. Those that are no
// addresses are left out; check_listen() and check_admin() have told of them. With admin.listen the
// others are for clients only.
std::vector<http::listen_address> addresses_of(const config& c);
// Only that of admin.listen, if there is one: for a process that was given sockets in place of the
// others.
std::vector<http::listen_address> operators_addresses_of(const config& c);
// Whether the pages for operators have an address of their own.
bool has_operators_address(const config& c) noexcept;

// Adds what is wrong with the section "listen" and what the schema cannot say: no address at all,
// a path that is too long, and what is not an address.
void check_listen(const nlohmann::json& listen, mistakes& wrong);

// The same of the section "admin".
void check_admin(const nlohmann::json& admin, mistakes& wrong);

// Why nothing can listen on one of these addresses, each in one line that begins with its key. One
// that is in use is no mistake. `with_sockets`: only admin.listen counts. Uses the resolver, which
// may take long.
void check_addresses(const config& c, bool with_sockets, mistakes& wrong);

// Adds why the pages for operators would be open to a network that nobody has opened them to:
// admin.listen is empty, and an address of the listen, or of these sockets if there are any, is
// neither on loopback nor a Unix socket. Uses the resolver.
void check_who_may_ask(const config& c, const std::vector<int>& sockets, mistakes& wrong);

// Adds addresses that one before takes: the same, or all of this machine with the same port. Names
// other than localhost are not looked up: the start tells of those.
void check_no_address_twice(const config& c, bool with_sockets, mistakes& wrong);

// Adds that admin.peers cannot be asked, as replicas that are configured like this one serve the
// pages for operators by TLS only: all addresses of these are TCP, and there is a certificate.
void check_peers_can_be_asked(const config& c, const std::vector<int>& sockets, mistakes& wrong);

// For the log at the start, a line for each address beyond loopback where no token is asked for.
// Uses the resolver.
std::vector<std::string> warnings_of_open_pages(const config& c, const std::vector<int>& sockets);

// Why the address at this index of addresses_of() is not listened on:
// "cannot listen on host "127.0.0.1", port 8080: Address already in use"
std::string not_listening(const config& c, std::size_t index, const std::error_code& why);

}  // namespace hangup::server
