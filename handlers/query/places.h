// So many at once: places that are taken and left again.
#pragma once

#include <chrono>
#include <cstddef>
#include <system_error>
#include <utility>

#include "context/channel.h"
#include "handlers/query/database.h"

namespace hangup::query {

class places;

// A place that is taken, or none. Move-only. Left when it is destroyed.
class place {
 public:
  place() = default;
  place(place&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
  place& operator=(place&& other) noexcept {
    std::swap(of_, other.of_);
    return *this;
  }
  ~place();

  explicit operator bool() const noexcept { return of_ != nullptr; }

 private:
  friend class places;
  explicit place(places* of) noexcept : of_(of) {}
  places* of_ = nullptr;
};

// Thread-safe. Must outlive its places.
class places {
 public:
  explicit places(std::size_t how_many) : all_(how_many) {}

  // Waits for a free one; who came first is served first, but for one who comes by just then.
  // ctx.err() if the context has ended, then nothing is taken.
  std::error_code take(const context& ctx, place& to) {
    const auto ec = all_.send(ctx, {});
    if (!ec) {
      to = place(this);
    }
    return ec;
  }

  // Waits for so long at most: then errc::busy.
  std::error_code take(const context& ctx, std::chrono::milliseconds patience, place& to) {
    if (const auto ended = ctx.err()) {
      return ended;
    }
    if (!all_.try_send(token{})) {
      to = place(this);
      return {};
    }
    const auto [soon, cancel] = with_timeout(ctx, patience);
    return !take(soon, to) ? std::error_code() : ctx.done() ? ctx.err() : errc::busy;
  }

  std::size_t taken() const { return all_.size(); }

 private:
  friend class place;
  struct token {};
  channel<token> all_;  // one for each that is taken
};

inline place::~place() {
  if (of_ != nullptr) {
    places::token t;
    static_cast<void>(of_->all_.try_receive(t));
  }
}

}  // namespace hangup::query
