#include "server/line_queue.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>

namespace hangup::server {
namespace {

constexpr std::size_t places_for(std::size_t bytes) noexcept {
  return (bytes + line_queue::bytes_of_a_place - 1) / line_queue::bytes_of_a_place;
}

}  // namespace

line_queue::line_queue(std::size_t places)
    : places_(std::max<std::size_t>(places, 1)),
      mask_(std::bit_ceil(places_) - 1),
      lengths_(mask_ + 1),
      text_(std::make_unique_for_overwrite<char[]>((mask_ + 1) * bytes_of_a_place)) {}

std::size_t line_queue::add(std::string_view line, std::size_t most) noexcept {
  const auto needed = places_for(line.size());
  if (needed > places_ || line.size() > std::numeric_limits<std::uint32_t>::max()) {
    return 0;
  }
  std::uint64_t tail = 0;
  std::size_t taken = 0;
  do {
    // In this order: a tail that was read before its head could lie behind it.
    const auto head = head_.load(std::memory_order_acquire);
    tail = tail_.load(std::memory_order_relaxed);
    taken = static_cast<std::size_t>(tail - head) + needed;
    if ((tail & closed) != 0 || taken > std::min(most, places_)) {
      return 0;
    }
  } while (!tail_.compare_exchange_weak(tail, tail + needed, std::memory_order_seq_cst,
                                        std::memory_order_relaxed));
  copy_in(tail, line);
  lengths_[tail & mask_].store(static_cast<std::uint32_t>(line.size()), std::memory_order_release);
  return taken;
}

line_queue::state line_queue::now() const noexcept {
  const auto tail = tail_.load();
  const auto end = tail & ~closed;
  return {end, static_cast<std::size_t>(end - head_.load(std::memory_order_relaxed)),
          (tail & closed) != 0};
}

bool line_queue::take(std::string& to, std::size_t most, std::uint64_t end,
                      std::uint64_t& lost) noexcept {
  auto head = head_.load(std::memory_order_relaxed);
  while (head != end) {
    auto& length = lengths_[head & mask_];
    const std::size_t size = length.load(std::memory_order_acquire);
    if (size == 0 || (!to.empty() && to.size() + size > most)) {
      break;
    }
    try {
      to.reserve(std::max(most, size));
      copy_out(head, size, to);
    } catch (const std::bad_alloc&) {
      ++lost;
    }
    length.store(0, std::memory_order_relaxed);
    head += places_for(size);
  }
  head_.store(head, std::memory_order_release);
  return head == end;
}

// A line may go on at the beginning of the memory.
void line_queue::copy_in(std::uint64_t at, std::string_view line) noexcept {
  const auto begin = static_cast<std::size_t>(at & mask_) * bytes_of_a_place;
  const auto first = std::min(line.size(), (mask_ + 1) * bytes_of_a_place - begin);
  std::memcpy(text_.get() + begin, line.data(), first);
  std::memcpy(text_.get(), line.data() + first, line.size() - first);
}

void line_queue::copy_out(std::uint64_t at, std::size_t size, std::string& to) const noexcept {
  const auto begin = static_cast<std::size_t>(at & mask_) * bytes_of_a_place;
  const auto first = std::min(size, (mask_ + 1) * bytes_of_a_place - begin);
  to.append(text_.get() + begin, first);
  to.append(text_.get(), size - first);
}

}  // namespace hangup::server
