// The servers that this one asks, by name: an allow-list. Where they are is the configuration's,
// and never in what a client sends or is told.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "handlers/name_lookup.h"

struct x509_store_st;  // OpenSSL's

namespace hangup::handlers {

// How a call to an upstream ended.
enum class upstream_end : std::uint8_t {
  completed,    // with an answer, whatever its status, to its last byte
  canceled,     // the context of the request ended: our client left, or the server stops
  deadline,     // the deadline of the request passed
  unreachable,  // no such name, no connection, or its certificate is not to be trusted
  timed_out,    // no connection in time, or silent for too long
  broken,       // closed or reset before its answer was whole
  malformed,    // what it sent is not understood here, or cannot be handed on
};
inline constexpr int upstream_ends = 7;
std::string_view name(upstream_end end) noexcept;

struct upstream_options {
  std::string url{};  // "http://127.0.0.1:8081" or "https://...": scheme, host and port, no more
  std::string ca_file{};  // PEM with those who may sign its certificate; empty: the system's
  std::chrono::milliseconds connect_timeout{2'000};  // name, connection and TLS handshake, together
  std::chrono::milliseconds stall_timeout{60'000};   // without a byte from it, once it was asked
  std::size_t max_head_bytes = 64 * 1024;
};

// One of them, and what is counted of it. Counting is lock-free.
class upstream {
 public:
  // Throws std::invalid_argument for a URL that is not as above, or a CA file that cannot be read.
  // The authorities are read here, once: that may take a tenth of a second.
  // `look` finds its addresses.
  upstream(std::string name, const upstream_options& how,
           name_lookup::function look = name_lookup::system_lookup);

  const std::string& name() const noexcept { return name_; }
  const upstream_options& options() const noexcept { return how_; }
  const std::string& host() const noexcept { return host_; }  // an IPv6 address without brackets
  std::uint16_t port() const noexcept { return port_; }
  const name_lookup& addresses() const noexcept { return lookup_; }
  // Who may have signed its certificate; null for http://.
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
  };
  static place place_of(const std::string& url);
  upstream(std::string name, upstream_options how, place at, name_lookup::function look);

  const std::string name_;
  const upstream_options how_;
  const std::string host_;
  const std::uint16_t port_;
  const name_lookup lookup_;
  std::shared_ptr<x509_store_st> trusted_;
  mutable std::atomic<std::uint64_t> began_{0};
  mutable std::array<std::atomic<std::uint64_t>, upstream_ends> ended_{};
};

}  // namespace hangup::handlers
