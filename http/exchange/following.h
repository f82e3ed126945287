// What a request in flight has only while somebody follows it: who that is, and the registration
// that tells it of the end of the context at once. Not for users.
#pragma once

#include <atomic>
#include <string_view>

#include "hangup/context/after_func.h"
#include "hangup/http/follower.h"

namespace hangup::http {

class exchange;

class following {
 public:
  // `of` and the text of the client outlive it.
  following(const exchange& of, follower& by, std::string_view client, interest wanted);
  // When this has returned, the follower is not told any more.
  ~following() = default;

  void entered() const noexcept;
  void wants(interest now) noexcept { wanted_.store(now, std::memory_order_relaxed); }

 private:
  struct tell_end {
    const following* self;
    void operator()() const noexcept;
  };

  const exchange& of_;
  follower& by_;
  const std::string_view client_;
  std::atomic<interest> wanted_;
  const after_func<tell_end> on_end_;  // last: it may call at once
};

}  // namespace hangup::http
