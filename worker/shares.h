// How much of something each owner has, where it is shared: an ordinary amount that anybody may
// take, all of it if nobody else wants any, and a spare one beyond it for owners who have little.
// So no owner keeps the others out, and one alone loses nothing.
//
//   shares connections({.ordinary = 8, .spare = 2});
//   if (connections.free_for(whose)) { connections.take(whose); ... connections.give_back(whose); }
//
// Owners are those of a pool (worker/pool.h). Not thread-safe. take() allocates for an owner who
// had nothing, and may throw std::bad_alloc, then nothing is taken.
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
    std::size_t little = 1;  // who has less than this may have of the spare amount
  };

  explicit shares(amounts of) noexcept : of_(of) {}

  bool free_for(std::uint64_t owner) const {
    return taken_ < of_.ordinary ||
           (taken_ < of_.ordinary + of_.spare && held_by(owner) < of_.little);
  }
  // Is what is left, if there is anything, for others only?
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
