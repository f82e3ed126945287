#include "hangup/context/context.h"

namespace hangup {
namespace {

void end(tree::scope* s, cause&& why, location from) noexcept {
  if (s == nullptr) {  // background()
    return;
  }
  if (why.source.line == 0) {
    why.source = from;
  }
  const auto how =
      why.kind == cause_kind::deadline ? tree::state_word::expired : tree::state_word::canceled;
  tree::end(*s, how, std::move(why));
}

// A root that is never destroyed, because contexts in static objects may be used until the process
// ends.
union forever {
  constexpr forever() noexcept : root() {}
  ~forever() {}  // NOLINT(modernize-use-equals-default): the default would be deleted
  tree::node root;
};

constinit forever background_root;
constinit forever todo_root;

}  // namespace

context background() noexcept {
  return context_access::adopt(&background_root.root);
}

context todo() noexcept {
  return context_access::adopt(&todo_root.root);
}

context::context(context&& other) noexcept
    : node_(std::exchange(other.node_, &background_root.root)) {}

const hangup::cause* context::cause() const noexcept {
  return done() ? node_->ends->why : nullptr;
}

std::optional<context::clock::time_point> context::deadline() const noexcept {
  if (node_->ends == nullptr || node_->ends->due_owner == nullptr) {
    return std::nullopt;
  }
  return node_->ends->due;
}

std::stop_token context::stop_token() const {
  return node_->ends == nullptr ? std::stop_token{} : tree::token_of(*node_->ends);
}

void context::throw_if_done() const {
  if (const auto ec = err()) {
    throw canceled_error(ec);
  }
}

cancel_func& cancel_func::operator=(cancel_func&& other) noexcept {
  if (this != &other) {
    (*this)(location());
    ctx_ = std::move(other.ctx_);
  }
  return *this;
}

void cancel_func::operator()(hangup::cause why, location from) const noexcept {
  end(context_access::scope(ctx_), std::move(why), from);
}

void cancel_handle::operator()(hangup::cause why, location from) const noexcept {
  end(context_access::scope(ctx_), std::move(why), from);
}

cancelable context_access::adopt_scope(tree::scope* fresh) noexcept {
  fresh->refs.store(2, std::memory_order_relaxed);  // nobody else knows it yet
  fresh->parent->ref();
  return {context(fresh), cancel_func(context(fresh))};
}

cancelable with_cancel(const context& parent, location made) {
  auto* const fresh = new tree::scope(context_access::node(parent), made);
  auto both = context_access::adopt_scope(fresh);
  tree::attach(*fresh);
  return both;
}

cancelable with_deadline(const context& parent, context::clock::time_point when, on_expiry says,
                         location made) {
  auto* const above = context_access::scope(parent);
  if (above != nullptr && above->due <= when) {
    if (when <= context::clock::now()) {
      // The ancestor's deadline has passed too, so the child has ended from the start.
      tree::end_if_due(*above);
    }
    return with_cancel(parent, made);
  }
  auto* const fresh = new tree::timed_scope(
      context_access::node(parent), when,
      {.code = says.code, .text = std::move(says.text), .at = {}, .source = made});
  auto both = context_access::adopt_scope(fresh);
  tree::attach(*fresh);
  if (!tree::end_if_due(*fresh) && fresh->word.how_ended() == 0) {
    fresh->arm(when);
    // The parent ended in between and disarmed the timer too early.
    if (fresh->word.how_ended() != 0) {
      fresh->disarm_timer();
    }
  }
  return both;
}

cancelable with_deadline(const context& parent, std::chrono::system_clock::time_point when,
                         on_expiry says, location made) {
  const auto now = std::chrono::system_clock::now();
  const auto left = when <= now ? std::chrono::system_clock::duration::zero() : when - now;
  return with_timeout(parent, left, std::move(says), made);
}

cancelable with_timeout(const context& parent, context::clock::duration time, on_expiry says,
                        location made) {
  return with_deadline(parent, later(context::clock::now(), time), std::move(says), made);
}

context without_cancel(const context& parent) {
  return context_access::adopt(new tree::shield(context_access::node(parent)));
}

}  // namespace hangup
