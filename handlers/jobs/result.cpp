#include "handlers/jobs/result.h"

#include <algorithm>
#include <utility>

namespace hangup::jobs {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "jobs"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::too_large:
        return "the result is larger than allowed";
      case errc::no_room:
        return "there is no room for more results";
      case errc::broken:
        return "the server failed to do this job";
    }
    return "unknown error of a job";
  }
};

}  // namespace

const std::error_category& result_category() noexcept {
  static const category instance;
  return instance;
}

std::error_code result::write(std::string_view piece) {
  constexpr std::size_t whole = 64 * 1024;
  if (piece.size() > most_ - held_) {
    return errc::too_large;
  }
  const auto used = room_->used.fetch_add(piece.size()) + piece.size();
  const auto own = whose_->fetch_add(piece.size()) + piece.size();
  if (used > room_->most && (used > room_->most + room_->spare || own > room_->spare)) {
    room_->used.fetch_sub(piece.size());
    whose_->fetch_sub(piece.size());
    return errc::no_room;
  }
  held_ += piece.size();
  bytes_.store(held_, std::memory_order_relaxed);
  while (!piece.empty()) {
    if (pieces_.empty() || pieces_.back().size() == whole) {
      pieces_.emplace_back();
      if (pieces_.size() > 1) {  // the first piece grows as needed, because most results are small
        pieces_.back().reserve(whole);
      }
    }
    auto& last = pieces_.back();
    const auto n = std::min(piece.size(), whole - last.size());
    last.append(piece.substr(0, n));
    piece.remove_prefix(n);
  }
  return {};
}

std::string result::in_words(std::error_code refused) const {
  return refused == errc::too_large
             ? "more than " + std::to_string(most_) + " bytes"
             : "all of them have no more than " + std::to_string(room_->most) + " bytes";
}

void result::clear() noexcept {
  pieces_ = {};
  const auto held = std::exchange(held_, 0);
  room_->used.fetch_sub(held);
  whose_->fetch_sub(held);
}

}  // namespace hangup::jobs
