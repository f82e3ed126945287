#include "http/exchange/following.h"

#include "http/exchange/exchange.h"

namespace hangup::http {

following::following(const exchange& of, follower& by, std::string_view client, interest wanted)
    : of_(of), by_(by), client_(client), wanted_(wanted), on_end_(of.ctx(), tell_end{this}) {}

void following::entered() const noexcept {
  if (wanted_.load(std::memory_order_relaxed) == interest::steps) {
    by_.enters(of_.step(client_));
  }
}

void following::tell_end::operator()() const noexcept {
  self->by_.context_ended(self->of_.step(self->client_), *self->of_.ctx().cause(),
                          self->wanted_.load(std::memory_order_relaxed));
}

}  // namespace hangup::http
