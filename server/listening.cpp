#include "server/listening.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "http/net/address.h"
#include "http/net/listener.h"
#include "http/wire/grammar.h"
#include "server/message_text.h"

namespace hangup::server {
namespace {

constexpr auto forms =
    ", allowed such as 127.0.0.1:8080, [::1]:8080, localhost:0, unix:/run/hangup.sock";

// An address and the key that it is from.
struct named_address {
  std::string key;
  http::listen_address at;
};

constexpr std::string_view same = "same";

std::vector<named_address> operators_address(const config& c) {
  if (!has_operators_address(c)) {
    return {};
  }
  try {
    auto at = http::parse_listen_address(c.admin.listen);
    at.mode = c.listen.mode;
    return {{"admin.listen", std::move(at)}};
  } catch (const std::invalid_argument&) {
    return {};
  }
}

std::vector<named_address> clients_addresses(const config::listen_t& c) {
  std::vector<named_address> all;
  if (!c.host.empty()) {
    all.push_back({"listen.host", {.host = c.host, .port = c.port}});
  }
  if (!c.path.empty()) {
    all.push_back({"listen.path", {.path = c.path, .mode = c.mode}});
  }
  for (std::size_t i = 0; i < c.more.size(); ++i) {
    try {
      auto at = http::parse_listen_address(c.more[i]);
      at.mode = c.mode;
      all.push_back({"listen.more[" + std::to_string(i) + "]", std::move(at)});
    } catch (const std::invalid_argument&) {
    }
  }
  return all;
}

std::vector<named_address> named_addresses(const config& c) {
  auto all = clients_addresses(c.listen);
  for (auto& named : operators_address(c)) {
    all.push_back(std::move(named));
  }
  if (has_operators_address(c)) {
    for (auto& named : all) {
      named.at.serves = named.key == "admin.listen" ? http::audience::all : http::audience::clients;
    }
  }
  return all;
}

// Where others than this machine reach the pages for operators: the key that says so, and the
// address.
std::vector<std::pair<std::string, std::string>> operators_places_beyond_loopback(
    const config& c, const std::vector<int>& sockets) {
  std::vector<std::pair<std::string, std::string>> all;
  const bool has_own = has_operators_address(c);
  if (!has_own && !sockets.empty()) {
    for (const int fd : sockets) {
      if (auto at = http::beyond_loopback(fd); !at.empty()) {
        all.emplace_back("LISTEN_FDS", std::move(at));
      }
    }
    return all;
  }
  for (const auto& named : has_own ? operators_address(c) : clients_addresses(c.listen)) {
    if (!named.at.is_unix() && http::is_beyond_loopback(named.at.host)) {
      all.emplace_back(named.key, named.key == "listen.host" ? named.at.host : named.at.text());
    }
  }
  return all;
}

// Whether the pages for operators are served on a Unix socket, where there is no TLS.
bool has_plain_operators_address(const config& c, const std::vector<int>& sockets) {
  const bool has_own = has_operators_address(c);
  if (!has_own && !sockets.empty()) {
    return std::any_of(sockets.begin(), sockets.end(), http::is_unix_socket);
  }
  const auto all = has_own ? operators_address(c) : clients_addresses(c.listen);
  return std::any_of(all.begin(), all.end(), [](const auto& named) { return named.at.is_unix(); });
}

// Whether nothing can listen at `b` any more if something does at `a`.
bool takes(const http::listen_address& a, const http::listen_address& b) {
  if (a.is_unix() != b.is_unix()) {
    return false;
  }
  if (a.is_unix()) {
    const auto place = [](const std::string& path) {
      std::error_code ec;
      return path.starts_with('@')
                 ? path
                 : std::filesystem::absolute(path, ec).lexically_normal().string();
    };
    return place(a.path) == place(b.path);
  }
  if (a.port == 0 || a.port != b.port) {
    return false;
  }
  const auto one = http::without_brackets(a.host);
  const auto other = http::without_brackets(b.host);
  const auto is_on = [](std::string_view all, std::string_view host) {
    return all == "::" || (all == "0.0.0.0" && host.find(':') == std::string_view::npos) ||
           (all == "localhost" && (host == "127.0.0.1" || host == "::1"));
  };
  return one == other || is_on(one, other) || is_on(other, one);
}

std::vector<http::listen_address> without_keys(std::vector<named_address> named) {
  std::vector<http::listen_address> all;
  all.reserve(named.size());
  for (auto& one : named) {
    all.push_back(std::move(one.at));
  }
  return all;
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

std::string why_not(const named_address& a, const std::error_code& ec) {
  const bool is_host = a.key == "listen.host";
  const auto found = shown(is_host ? a.at.host : a.key == "listen.path" ? a.at.path : a.at.text());
  if (a.at.is_unix()) {
    const auto where = a.key + ": found " + found + ", ";
    if (ec == std::errc::not_a_socket) {
      return where +
             "where there is something that is not a socket, allowed the path of a socket, " +
             "or one where nothing is";
    }
    return where + "where no socket can be made (" + ec.message() +
           "), allowed a path in a folder that exists (found " + shown(folder_of(a.at.path)) +
           ") and that this user may write to";
  }
  if (ec == std::errc::permission_denied) {
    return (is_host ? "listen.port: found " + std::to_string(a.at.port)
                    : a.key + ": found " + found) +
           ", on which this user cannot listen (" + ec.message() +
           "), allowed a port from 1024 on, or CAP_NET_BIND_SERVICE";
  }
  return a.key + ": found " + found + ", on which nothing can listen (" + ec.message() +
         "), allowed an address of this machine, or a name that has one";
}

}  // namespace

bool has_operators_address(const config& c) noexcept {
  return !c.admin.listen.empty() && c.admin.listen != same;
}

std::vector<http::listen_address> addresses_of(const config& c) {
  return without_keys(named_addresses(c));
}

std::vector<http::listen_address> operators_addresses_of(const config& c) {
  return without_keys(operators_address(c));
}

void check_admin(const nlohmann::json& admin, mistakes& wrong) {
  const auto& listen = admin.at("listen").get_ref<const std::string&>();
  if (listen.empty() || listen == same) {
    return;
  }
  try {
    static_cast<void>(http::parse_listen_address(listen));
  } catch (const std::invalid_argument& e) {
    wrong.add("admin.listen: found " + shown(listen) + ", but " + e.what() + forms + ", or same");
  }
}

void check_who_may_ask(const config& c, const std::vector<int>& sockets, mistakes& wrong) {
  if (!c.admin.listen.empty()) {
    return;
  }
  for (const auto& [key, at] : operators_places_beyond_loopback(c, sockets)) {
    wrong.add(key + ": found " + shown(at) +
              ", which others than this machine reach, and so they would reach the pages for "
              "operators, where requests can be ended; set admin.listen to an address for those, "
              "such as 127.0.0.1:8081 (--admin-listen), or to same if they may");
  }
}

void check_no_address_twice(const config& c, bool with_sockets, mistakes& wrong) {
  const auto all = with_sockets ? operators_address(c) : named_addresses(c);
  for (std::size_t i = 1; i < all.size(); ++i) {
    const auto& late = all[i];
    const auto taken = std::find_if(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i),
                                    [&](const auto& early) { return takes(early.at, late.at); });
    if (taken != all.begin() + static_cast<std::ptrdiff_t>(i)) {
      wrong.add(late.key + ": found " +
                shown(late.key == "listen.path" ? late.at.path : late.at.text()) +
                ", which is that of " + taken->key + ", allowed another address" +
                (late.key == "admin.listen" ? ", or same" : ""));
    }
  }
}

void check_peers_can_be_asked(const config& c, const std::vector<int>& sockets, mistakes& wrong) {
  if (c.tls.key.empty() || c.admin.peers.empty() || has_plain_operators_address(c, sockets)) {
    return;
  }
  wrong.add("admin.peers: found " + shown(c.admin.peers.front()) +
            ", which is asked by plain HTTP, but with tls.certificate and tls.key no replica "
            "answers that; leave TLS to a proxy in front, or set admin.listen to unix:PATH, which "
            "is plain, and admin.peers to where a proxy on each machine hands that on");
}

std::vector<std::string> warnings_of_open_pages(const config& c, const std::vector<int>& sockets) {
  std::vector<std::string> all;
  if (!c.admin.token_file.empty()) {
    return all;
  }
  for (const auto& [key, at] : operators_places_beyond_loopback(c, sockets)) {
    all.push_back(key + ": everybody who reaches " + in_one_line(at) +
                  " sees all requests there and can end them; set admin.token_file, so that they "
                  "need a token");
  }
  return all;
}

void check_listen(const nlohmann::json& listen, mistakes& wrong) {
  const auto& host = listen.at("host").get_ref<const std::string&>();
  const auto& path = listen.at("path").get_ref<const std::string&>();
  if (std::any_of(path.begin(), path.end(), http::is_control)) {
    wrong.add("listen.path: found " + shown(path) + ", allowed no control characters");
  } else if (path.size() > http::max_unix_path || path == "@") {
    wrong.add("listen.path: found a path of " + std::to_string(path.size()) +
              " bytes, allowed one of at most " + std::to_string(http::max_unix_path) +
              ", or @ and a name");
  } else if (path.starts_with("unix:")) {
    wrong.add("listen.path: found " + shown(path) +
              ", allowed the path alone, without unix: in front");
  }
  const auto& more = listen.at("more");
  for (std::size_t i = 0; i < more.size(); ++i) {
    const auto& text = more[i].get_ref<const std::string&>();
    try {
      static_cast<void>(http::parse_listen_address(text));
    } catch (const std::invalid_argument& e) {
      wrong.add("listen.more[" + std::to_string(i) + "]: found " + shown(text) + ", but " +
                e.what() + forms);
    }
  }
  if (host.empty() && path.empty() && more.empty()) {
    wrong.add(
        "listen.host: found nothing, allowed nothing only if listen.path or listen.more has an "
        "address");
  }
}

void check_addresses(const config& c, bool with_sockets, mistakes& wrong) {
  for (const auto& named : with_sockets ? operators_address(c) : named_addresses(c)) {
    if (const auto ec = http::can_listen_on(named.at)) {
      wrong.add(why_not(named, ec));
    }
  }
}

std::string not_listening(const config& c, std::size_t index, const std::error_code& why) {
  const auto all = named_addresses(c);
  const auto& failed = all.at(std::min(index, all.size() - 1));
  const auto where = failed.key == "listen.host" ? "host " + shown(failed.at.host) + ", port " +
                                                       std::to_string(failed.at.port)
                                                 : in_one_line(failed.at.text());
  return "cannot listen on " + where + ": " + why.message();
}

}  // namespace hangup::server
