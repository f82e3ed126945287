#include "handlers/relay/upstream.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "hangup/http/listen_address.h"
#include "http/wire/number.h"

namespace hangup::handlers {

std::string_view name(upstream_end end) noexcept {
  switch (end) {
    case upstream_end::completed:
      return "completed";
    case upstream_end::canceled:
      return "canceled";
    case upstream_end::deadline:
      return "deadline";
    case upstream_end::unreachable:
      return "unreachable";
    case upstream_end::timed_out:
      return "timed_out";
    case upstream_end::broken:
      return "broken";
    case upstream_end::malformed:
      return "malformed";
  }
  return "unknown";
}

upstream::upstream(std::string name, const upstream_options& how, name_lookup::function look)
    : upstream(std::move(name), how, place_of(how.url), std::move(look)) {
  if (!how_.url.starts_with("https:")) {
    return;
  }
  trusted_ = {::X509_STORE_new(), &::X509_STORE_free};
  const auto& file = how_.ca_file;
  const int read = file.empty() ? ::X509_STORE_set_default_paths(trusted_.get())
                                : ::X509_STORE_load_file(trusted_.get(), file.c_str());
  ::ERR_clear_error();
  if (read != 1) {
    const int number = ::access(file.c_str(), R_OK) == 0 ? 0 : errno;
    throw std::invalid_argument(
        "ca_file: " + (number == 0 ? "has no certificate in PEM"
                                   : "cannot be read: " + std::generic_category().message(number)));
  }
}

upstream::upstream(std::string name, upstream_options how, place at, name_lookup::function look)
    : name_(std::move(name)),
      how_(std::move(how)),
      host_(std::move(at.host)),
      port_(at.port),
      socket_(std::move(at.socket)),
      lookup_(host_, std::move(look)) {}

upstream::place upstream::place_of(const std::string& url) {
  if (url.starts_with("unix:")) {
    try {
      return {"localhost", 80, http::parse_listen_address(url).path};
    } catch (const std::invalid_argument& e) {
      throw std::invalid_argument(std::string("url: is no address of a socket: ") + e.what());
    }
  }
  const bool secure = url.starts_with("https://");
  if (!secure && !url.starts_with("http://")) {
    throw std::invalid_argument("url: is neither http:// nor https:// nor unix:");
  }
  std::string_view rest(url);
  rest.remove_prefix(secure ? 8 : 7);
  const bool bracketed = rest.starts_with('[');
  const auto end = bracketed ? rest.find(']') : rest.find(':');
  const auto host = rest.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end);
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:";
  if (host.empty() || host.find_first_not_of(allowed) != std::string_view::npos ||
      (bracketed && end == std::string_view::npos)) {
    throw std::invalid_argument("url: has no host, or more behind it than a port");
  }
  rest.remove_prefix(std::min(rest.size(), end == std::string_view::npos ? end
                                           : bracketed                   ? end + 1
                                                                         : end));
  std::uint16_t port = secure ? 443 : 80;
  if (!rest.empty()) {
    port = http::whole_number<std::uint16_t>(rest.substr(1)).value_or(0);
    if (rest.front() != ':' || port == 0) {
      throw std::invalid_argument("url: has no port 1..65535 behind its host, or more than that");
    }
  }
  return {std::string(host), port};
}

std::uint64_t upstream::in_flight() const noexcept {
  std::uint64_t over = 0;
  for (const auto& n : ended_) {  // read before began_, so that the difference is not negative
    over += n.load(std::memory_order_acquire);
  }
  const auto began = began_.load(std::memory_order_relaxed);
  return began - std::min(began, over);
}

}  // namespace hangup::handlers
