#include "server/operators_access.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>

#include "handlers/own_pages.h"
#include "hangup/http/listen_address.h"
#include "http/wire/grammar.h"
#include "server/live_page.h"
#include "server/text_file.h"

namespace hangup::server {
namespace {

constexpr std::size_t least_token = 16;
constexpr std::size_t most_token = 1024;

std::string small(std::string_view text) {
  std::string all(text);
  std::transform(all.begin(), all.end(), all.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return all;
}

bool is_visible(char c) noexcept {
  return c > ' ' && c < '\x7f';
}

using digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

digest digest_of(std::string_view text) {
  digest d{};
  unsigned size = 0;
  if (::EVP_Digest(text.data(), text.size(), d.data(), &size, ::EVP_sha256(), nullptr) != 1) {
    throw std::bad_alloc();
  }
  return d;
}

// "Localhost." -> "localhost": the dot at the end says that the name is whole.
std::string whole_name(std::string_view host) {
  auto name = small(host);
  if (name.ends_with('.')) {
    name.pop_back();
  }
  return name;
}

// "[::1]:8080" -> "::1", "Localhost.:80" -> "localhost"
std::string name_in(std::string_view authority) {
  if (authority.starts_with('[')) {
    return std::string(authority.substr(1, authority.find(']') - 1));
  }
  return whole_name(authority.substr(0, authority.find(':')));
}

// A name without a dot, as machines have it among themselves ("localhost", a service of Compose).
// Nobody can have such a name in the public DNS and give it the address of this server. A dot can
// be written as %2e.
bool is_one_word(std::string_view name) {
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return std::any_of(name.begin(), name.end(), is_letter) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return http::is_alphanumeric(c) || c == '-' || c == '_'; });
}

bool is_an_address(const std::string& name) {
  in6_addr to{};
  return ::inet_pton(AF_INET, name.c_str(), &to) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), &to) == 1;
}

// The token of "Bearer TOKEN"; empty: there is none.
std::string_view token_in(const http::request& req) {
  constexpr std::string_view scheme = "bearer ";
  const auto sent = req.header("Authorization").value_or("");
  if (req.count_header("Authorization") != 1 || small(sent.substr(0, scheme.size())) != scheme) {
    return {};
  }
  const auto begin = sent.find_first_not_of(' ', scheme.size());
  return begin == std::string_view::npos ? std::string_view() : sent.substr(begin);
}

void add_name(const std::string& address, std::vector<std::string>& to) {
  try {
    const auto at = http::parse_listen_address(address);
    to.push_back(whole_name(at.host));
  } catch (const std::invalid_argument&) {  // it has been told of
  }
}

// A person follows a link, or enters an address, in a window or a tab: not in a frame of a page.
bool opens_live_page(const http::request& req) {
  return req.method() == "GET" && req.path() == "/" && prefers_live_page(req) &&
         req.header("Sec-Fetch-Mode") == "navigate" && req.header("Sec-Fetch-Dest") == "document";
}

http::denial without_token(bool has_wrong_one) {
  std::string how = "WWW-Authenticate: Bearer realm=\"hangup operators\"";
  how.append(has_wrong_one ? ", error=\"invalid_token\"" : "").append("\r\n");
  how.append("Cache-Control: no-store\r\n");
  return {401,
          has_wrong_one ? "the token is not that of this server"
                        : "this page is for operators, who send Authorization: Bearer TOKEN",
          std::move(how)};
}

}  // namespace

std::string token_of(const config::admin_t& c) {
  if (c.token_file.empty()) {
    return {};
  }
  const auto where = "admin.token_file: found " + shown(c.token_file);
  std::string token;
  if (const auto why = read_text_file(c.token_file, most_token + 2, token)) {
    throw std::invalid_argument(where + ", which cannot be read: " + *why);
  }
  token.erase(token.find_last_not_of("\r\n") + 1);
  if (token.size() < least_token || token.size() > most_token ||
      !std::all_of(token.begin(), token.end(), is_visible)) {
    throw std::invalid_argument(where +
                                ", whose text is not shown, allowed one line of 16..1024 visible "
                                "characters without blanks, such as openssl rand -hex 32 makes");
  }
  return token;
}

bool is_published(std::string_view token) {
  return token == "only-for-a-trial-on-loopback-replace-me";
}

bool same_in_constant_time(std::string_view a, std::string_view b) {
  const auto one = digest_of(a);
  const auto other = digest_of(b);
  return ::CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

operators_access::operators_access(const config& c)
    : how_(c.admin), token_(std::make_shared<const std::string>(token_of(c.admin))) {
  names_.push_back(whole_name(c.listen.host));
  for (const auto& address : c.listen.more) {
    add_name(address, names_);
  }
  add_name(c.admin.listen, names_);
  for (const auto& name : c.admin.hosts) {
    names_.push_back(name_in(name));  // without the dot at its end, as that of a Host
  }
  std::erase(names_, "");
}

void operators_access::reload() {
  auto token = std::make_shared<const std::string>(token_of(how_));
  const std::lock_guard hold(mutex_);
  token_.swap(token);
}

std::string_view name(denied_for r) noexcept {
  switch (r) {
    case denied_for::host:
      return "host";
    case denied_for::origin:
      return "origin";
    case denied_for::token:
      return "token";
  }
  return "unknown";
}

http::denial operators_access::deny(denied_for why, http::denial as) const {
  denied_[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed);
  return as;
}

bool operators_access::is_own_name(std::string_view authority) const {
  const auto name = name_in(authority);
  return is_an_address(name) || is_one_word(name) || name.ends_with(".localhost") ||
         std::find(names_.begin(), names_.end(), name) != names_.end();
}

std::optional<http::denial> operators_access::operator()(const http::request& req) const {
  // No page in a browser can ask a Unix socket, and programs name it as they like.
  const bool is_unix = req.local_address().starts_with("unix:");
  if (const auto host = req.header("Host"); host && !is_unix && !is_own_name(*host)) {
    return deny(denied_for::host,
                {421, "this server has no pages for operators under this name (admin.hosts)"});
  }
  if (handlers::is_asked_by_another_page(req) && !opens_live_page(req)) {
    return deny(denied_for::origin, {403, std::string(handlers::told_another_page)});
  }
  if (is_part_of_live_page(req)) {
    return std::nullopt;
  }
  std::shared_ptr<const std::string> token;
  {
    const std::lock_guard hold(mutex_);
    token = token_;
  }
  const auto sent = token_in(req);
  if (token->empty() || (!sent.empty() && same_in_constant_time(sent, *token))) {
    return std::nullopt;
  }
  return deny(denied_for::token, without_token(!sent.empty()));
}

}  // namespace hangup::server
