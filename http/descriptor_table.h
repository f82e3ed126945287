// One entry for each descriptor that has been in use, found by its number. Entries are made on
// demand and stay where they are for ever, so that whoever hears of a descriptor from the kernel
// can look at its entry, whatever has become of the descriptor since. Thread-safe; at() costs one
// load.
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
  // As large as the numbers can become.
  descriptor_table() : blocks_((most_descriptors() + block_size - 1) / block_size) {}
  ~descriptor_table() {
    for (auto& block : blocks_) {
      delete[] block.load();
    }
  }
  descriptor_table(const descriptor_table&) = delete;
  descriptor_table& operator=(const descriptor_table&) = delete;

  // Null for a number beyond all, and if there is no memory.
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

  // Only of a number that has been made.
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

// What epoll(7) gives back with an event: a descriptor, and which use of its number it is about.
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
