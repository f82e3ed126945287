#include "hangup/context/bridge.h"

#include <optional>
#include <utility>

namespace hangup {
namespace tree {
namespace {

// A child of one scope with a hook on another scope. While the hook, or the callback below, runs,
// it holds a reference. give_back() waits for it, and is called by a thread that holds one as well.
struct either_scope final : scope, hook {
  either_scope(node& above, context second, const location& made) noexcept
      : scope(above, made), other(std::move(second)) {
    if (other_scope().due < due) {
      due = other_scope().due;
      due_owner = other_scope().due_owner;
    }
  }
  scope& other_scope() const noexcept { return *context_access::scope(other); }

  void fire() noexcept override {
    ref();
    end_as(*this, other_scope());
    unref();
  }
  void give_back() noexcept override {
    // Waits for a running hook; not for long, since this scope has settled.
    withdraw(other_scope(), *this);
  }
  void print(std::string& to) const override { to.append(".with_either"); }

  const context other;
};

struct token_scope final : scope {
  using scope::scope;

  struct on_stop {
    token_scope* self;
    void operator()() const noexcept {
      token_scope* const s = self;  // give_back() destroys this object while it runs
      s->ref();
      end(*s, state_word::canceled, {});
      s->unref();
    }
  };
  void give_back() noexcept override { callback.reset(); }
  void print(std::string& to) const override { to.append(".with_stop_token"); }

  std::optional<std::stop_callback<on_stop>> callback;
};

}  // namespace
}  // namespace tree

cancelable with_either(const context& parent, const context& other, location made) {
  if (context_access::scope(other) == nullptr) {
    return with_cancel(parent, made);
  }
  auto* const fresh = new tree::either_scope(context_access::node(parent), other, made);
  auto both = context_access::adopt_scope(fresh);
  tree::attach(*fresh);
  tree::add(fresh->other_scope(), *fresh);
  if (!tree::keep(*fresh)) {
    fresh->give_back();
  }
  return both;
}

cancelable with_stop_token(const context& parent, std::stop_token token, location made) {
  auto* const fresh = new tree::token_scope(context_access::node(parent), made);
  auto both = context_access::adopt_scope(fresh);
  tree::attach(*fresh);
  fresh->callback.emplace(std::move(token), tree::token_scope::on_stop{fresh});
  if (!tree::keep(*fresh)) {
    fresh->give_back();
  }
  return both;
}

}  // namespace hangup
