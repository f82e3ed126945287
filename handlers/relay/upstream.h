// The servers that this server may ask, by name: an allow-list. Their addresses come from the
// configuration, never from a client, and are not shown to clients.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "handlers/relay/name_lookup.h"

struct x509_store_st;  // OpenSSL's

namespace hangup::handlers {

// How a call to an upstream ended.
enum class upstream_end : std::uint8_t {
  completed,  // the whole answer was received, whatever its status
  canceled,   // the request's context ended: the client left, or the server is stopping
  deadline,   // the deadline of the request passed
  // The name is unknown, no connection could be made, or the certificate is not trusted.
  unreachable,
  timed_out,  // no connection in time, or silent for too long
  broken,     // the connection was closed or reset before the answer was complete
  malformed,  // the answer was invalid, or must not be passed on
};
inline constexpr int upstream_ends = 7;
std::string_view name(upstream_end end) noexcept;

struct upstream_options {
  // "http://127.0.0.1:8081" or "https://...": only scheme, host and port. Or
  // "unix:/run/hangup.sock", a server of plain HTTP on a Unix socket; "unix:@name" is one in the
  // abstract namespace.
  std::string url{};
  std::string ca_file{};  // PEM file with the trusted authorities; empty: the system's
  // For look-up, connection and TLS handshake together.
  std::chrono::milliseconds connect_timeout{2'000};
  // The longest time without a byte from it, after it was asked.
  std::chrono::milliseconds stall_timeout{60'000};
  std::size_t max_head_bytes = 64 * 1024;
};

// One upstream with its counters. Counting is lock-free.
class upstream {
 public:
  // Throws std::invalid_argument if the URL is not as described above, or the CA file cannot be
  // read. The authorities are read here, once, which may take a tenth of a second. `look` looks up
  // the addresses.
  upstream(std::string name, const upstream_options& how,
           name_lookup::function look = name_lookup::system_lookup);

  const std::string& name() const noexcept { return name_; }
  const upstream_options& options() const noexcept { return how_; }
  // An IPv6 address has no brackets; of a Unix socket: "localhost".
  const std::string& host() const noexcept { return host_; }
  const std::string& socket() const noexcept { return socket_; }  // empty: it is asked by TCP
  // What the URL of each call begins with.
  std::string base_url() const { return socket_.empty() ? how_.url : "http://" + host_; }
  std::uint16_t port() const noexcept { return port_; }
  const name_lookup& addresses() const noexcept { return lookup_; }
  // The authorities that may sign its certificate; null for http://.
  x509_store_st* trusted() const noexcept { return trusted_.get(); }

  void began() const noexcept { began_.fetch_add(1, std::memory_order_relaxed); }
  void ended(upstream_end how) const noexcept {
    ended_[static_cast<std::size_t>(how)].fetch_add(1, std::memory_order_release);
  }
  std::uint64_t count(upstream_end how) const noexcept {
    return ended_[static_cast<std::size_t>(how)].load(std::memory_order_acquire);
  }
  std::uint64_t in_flight() const noexcept;

 private:
  struct place {
    std::string host;
    std::uint16_t port;
    std::string socket{};
  };
  static place place_of(const std::string& url);
  upstream(std::string name, upstream_options how, place at, name_lookup::function look);

  const std::string name_;
  const upstream_options how_;
  const std::string host_;
  const std::uint16_t port_;
  const std::string socket_;
  const name_lookup lookup_;
  std::shared_ptr<x509_store_st> trusted_;
  mutable std::atomic<std::uint64_t> began_{0};
  mutable std::array<std::atomic<std::uint64_t>, upstream_ends> ended_{};
};

}  // namespace hangup::handlers
