// What a job has made so far: text, bounded while it grows, and never changed once the job is done.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace hangup::jobs {

enum class errc {
  too_large = 1,  // the result has more bytes than one may have
  no_room,        // all results together have as many as they may have
  broken,         // the work has thrown
};

const std::error_category& result_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), result_category()};
}

class result {
 public:
  // What all results share. Outlives each of them, as they hold it.
  struct room {
    room(std::size_t bytes, std::size_t spare_bytes) noexcept : most(bytes), spare(spare_bytes) {}
    const std::size_t most;
    const std::size_t spare;  // beyond it, for clients who have less than this
    std::atomic<std::size_t> used{0};
  };
  // What those of one client have of it.
  using account = std::shared_ptr<std::atomic<std::size_t>>;

  result(std::shared_ptr<room> in, std::size_t most, account whose) noexcept
      : room_(std::move(in)), most_(most), whose_(std::move(whose)) {}
  ~result() { clear(); }  // its bytes are free
  result(const result&) = delete;
  result& operator=(const result&) = delete;

  // For the work, on one thread at a time. write() appends all of the piece or, with an error,
  // nothing: then the work stops and returns it.
  std::error_code write(std::string_view piece);
  void count_row() noexcept { rows_.fetch_add(1, std::memory_order_relaxed); }
  // Why write() has refused a piece, in words: "more than 16777216 bytes".
  std::string in_words(std::error_code refused) const;
  // Gives the bytes back; the counts stay.
  void clear() noexcept;

  // From any thread.
  std::uint64_t rows() const noexcept { return rows_.load(std::memory_order_relaxed); }
  std::size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

  // When the work is over. Of 64 KiB each but the last, so that a large result is never copied to
  // grow, and costs little more memory than it is counted for.
  const std::vector<std::string>& pieces() const noexcept { return pieces_; }

 private:
  const std::shared_ptr<room> room_;
  const std::size_t most_;
  const account whose_;
  std::size_t held_ = 0;  // of room_->used
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::uint64_t> rows_{0};
  std::vector<std::string> pieces_;
};

}  // namespace hangup::jobs

template <>
struct std::is_error_code_enum<hangup::jobs::errc> : std::true_type {};
