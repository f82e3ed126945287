// A table with one entry for each descriptor number that has been in use. Entries are made on
// demand and never move or disappear. So a thread that gets an event for a descriptor can look at
// its entry, whatever has happened to the descriptor since. Thread-safe; at() costs one load.
#pragma once

#include <sys/resource.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

namespace hangup::http {

template <class T>
class descriptor_table {
 public:
  // Has room for the largest descriptor number that the process can get.
  descriptor_table() : blocks_((most_descriptors() + block_size - 1) / block_size) {}
  ~descriptor_table() {
    for (auto& block : blocks_) {
      delete[] block.load();
    }
  }
  descriptor_table(const descriptor_table&) = delete;
  descriptor_table& operator=(const descriptor_table&) = delete;

  // Returns null if the number is too large or there is no memory.
  T* make(int fd) noexcept {
    const auto block = static_cast<std::size_t>(fd) / block_size;
    if (block >= blocks_.size()) {
      return nullptr;
    }
    if (blocks_[block].load(std::memory_order_acquire) == nullptr) {
      const std::lock_guard hold(growing_);
      if (blocks_[block].load(std::memory_order_relaxed) == nullptr) {
        blocks_[block].store(new (std::nothrow) T[block_size], std::memory_order_release);
      }
      if (blocks_[block].load(std::memory_order_relaxed) == nullptr) {
        return nullptr;
      }
    }
    return &at(fd);
  }

  // Only for numbers for which make() has succeeded.
  T& at(int fd) const noexcept {
    const auto n = static_cast<std::size_t>(fd);
    return blocks_[n / block_size].load(std::memory_order_acquire)[n % block_size];
  }

 private:
  static constexpr std::size_t block_size = 1024;

  static std::size_t most_descriptors() noexcept {
    rlimit limit{};
    constexpr std::size_t most = 1 << 20;
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max > most) {
      return most;
    }
    return limit.rlim_max;
  }

  std::vector<std::atomic<T*>> blocks_;
  std::mutex growing_;
};

// The user data of an epoll(7) event: a descriptor number, and which use of that number it refers
// to.
struct descriptor_tag {
  int fd = -1;
  std::uint32_t generation = 0;

  std::uint64_t packed() const noexcept {
    return std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(fd);
  }
  static descriptor_tag of(std::uint64_t packed) noexcept {
    return {static_cast<int>(packed & 0xffffffffU), static_cast<std::uint32_t>(packed >> 32)};
  }
};

}  // namespace hangup::http
