// Counts how much of a shared resource each owner holds. There is an ordinary amount, of which any
// owner may take all that is left, and a spare amount beyond it for owners that hold little. So no
// owner can keep the others out, and a single owner loses nothing.
//
//   shares connections({.ordinary = 8, .spare = 2});
//   if (connections.free_for(whose)) { connections.take(whose); ... connections.give_back(whose); }
//
// Owners are the same numbers as in a pool (include/hangup/worker/pool.h). Not thread-safe. take()
// allocates for an owner that held nothing. If it throws std::bad_alloc, nothing has been taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace hangup {

class shares {
 public:
  struct amounts {
    std::size_t ordinary = 0;
    std::size_t spare = 0;
    std::size_t little = 1;  // an owner that holds less than this may use the spare amount
  };

  explicit shares(amounts of) noexcept : of_(of) {}

  bool free_for(std::uint64_t owner) const {
    return taken_ < of_.ordinary ||
           (taken_ < of_.ordinary + of_.spare && held_by(owner) < of_.little);
  }
  // Whether something is left, but only for other owners.
  bool only_for_others(std::uint64_t owner) const {
    return !free_for(owner) && taken_ < of_.ordinary + of_.spare && held_by(owner) < taken_;
  }

  void take(std::uint64_t owner) {
    ++by_owner_[owner];
    ++taken_;
  }
  void give_back(std::uint64_t owner) noexcept {
    const auto here = by_owner_.find(owner);
    if (--here->second == 0) {
      by_owner_.erase(here);
    }
    --taken_;
  }

  std::size_t taken() const noexcept { return taken_; }
  bool any_ordinary() const noexcept { return taken_ < of_.ordinary; }
  std::size_t held_by(std::uint64_t owner) const {
    const auto here = by_owner_.find(owner);
    return here != by_owner_.end() ? here->second : 0;
  }

 private:
  const amounts of_;
  std::size_t taken_ = 0;
  std::unordered_map<std::uint64_t, std::size_t> by_owner_;
};

}  // namespace hangup
