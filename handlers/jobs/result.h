// The result of a job: a text that is limited while it grows and does not change once the job is
// done.
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
  too_large = 1,  // the result would be larger than one may be
  no_room,        // all results together are as large as they may be
  broken,         // the work threw an exception
};

const std::error_category& result_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), result_category()};
}

class result {
 public:
  // The memory that all results share. Each result keeps it alive.
  struct room {
    room(std::size_t bytes, std::size_t spare_bytes) noexcept : most(bytes), spare(spare_bytes) {}
    const std::size_t most;
    const std::size_t spare;  // additional, for clients that use less than this
    std::atomic<std::size_t> used{0};
  };
  // How many bytes the results of one client use.
  using account = std::shared_ptr<std::atomic<std::size_t>>;

  result(std::shared_ptr<room> in, std::size_t most, account whose) noexcept
      : room_(std::move(in)), most_(most), whose_(std::move(whose)) {}
  ~result() { clear(); }  // gives its bytes back
  result(const result&) = delete;
  result& operator=(const result&) = delete;

  // For the work; one thread at a time. write() appends the whole piece, or nothing if it returns
  // an error. Then the work must stop and return that error.
  std::error_code write(std::string_view piece);
  void count_row() noexcept { rows_.fetch_add(1, std::memory_order_relaxed); }
  // Why write() refused a piece, as text: "more than 16777216 bytes".
  std::string in_words(std::error_code refused) const;
  // Drops the text and gives the bytes back; the counts stay.
  void clear() noexcept;

  // From any thread.
  std::uint64_t rows() const noexcept { return rows_.load(std::memory_order_relaxed); }
  std::size_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

  // Only when the work is over. All pieces but the last have 64 KiB. So a growing result is never
  // copied, and uses little more memory than is counted for it.
  const std::vector<std::string>& pieces() const noexcept { return pieces_; }

 private:
  const std::shared_ptr<room> room_;
  const std::size_t most_;
  const account whose_;
  std::size_t held_ = 0;  // how much it uses of room_->used
  std::atomic<std::size_t> bytes_{0};
  std::atomic<std::uint64_t> rows_{0};
  std::vector<std::string> pieces_;
};

}  // namespace hangup::jobs

template <>
struct std::is_error_code_enum<hangup::jobs::errc> : std::true_type {};
