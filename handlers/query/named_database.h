// A configured database: its name, its engine, its reports, and counts of how its queries ended.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "handlers/query/database.h"
#include "handlers/query/report.h"

namespace hangup::query {

// `stopped`: the context ended or the client left. `failed`: every error that is not listed here.
enum class query_end { completed, stopped, unreachable, busy, bad_argument, failed };
inline constexpr std::size_t query_ends = 6;
std::string_view name(query_end e) noexcept;
// How a query ended for which start() or rows() has returned this.
query_end end_of(std::error_code ec) noexcept;

// Thread-safe: only the counters change.
class named_database {
 public:
  named_database(std::string name, std::string kind, std::unique_ptr<database> engine,
                 std::map<std::string, report> reports)
      : name_(std::move(name)),
        kind_(std::move(kind)),
        engine_(std::move(engine)),
        reports_(std::move(reports)) {}

  const std::string& name() const noexcept { return name_; }
  const std::string& kind() const noexcept { return kind_; }
  database& engine() const noexcept { return *engine_; }
  const std::map<std::string, report>& reports() const noexcept { return reports_; }

  void count(query_end e) noexcept {
    ended_[static_cast<std::size_t>(e)].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t ended(query_end e) const noexcept {
    return ended_[static_cast<std::size_t>(e)].load(std::memory_order_relaxed);
  }

 private:
  const std::string name_;
  const std::string kind_;
  const std::unique_ptr<database> engine_;
  const std::map<std::string, report> reports_;
  std::array<std::atomic<std::uint64_t>, query_ends> ended_{};
};

}  // namespace hangup::query
