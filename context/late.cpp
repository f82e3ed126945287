#include "hangup/context/late.h"

namespace hangup {

late_watch::late_watch(const context& ctx, const late_report& report, std::string_view name,
                       location started)
    : ctx_(ctx), report_(report), name_(name), started_(started) {
  if (auto* const s = watched()) {
    tree::add(*s, *this);
  }
}

late_watch::~late_watch() {
  auto* const s = watched();
  if (s == nullptr) {
    return;
  }
  tree::withdraw(*s, *this);
  if (ctx_.done()) {
    disarm_and_wait();
    if (late_) {
      tell(true);
    }
  }
}

tree::scope* late_watch::watched() const noexcept {
  return report_.after > context::clock::duration::zero() ? context_access::scope(ctx_) : nullptr;
}

void late_watch::fire() noexcept {
  const auto due = later(ctx_.cause()->at, report_.after);
  if (due != context::clock::time_point::max()) {
    arm(due);
  }
}

void late_watch::expire() noexcept {
  late_ = true;
  tell(false);
}

void late_watch::tell(bool over) const {
  const auto& why = *ctx_.cause();
  report_.call({.name = name_,
                .started = started_,
                .why = why,
                .since_end = context::clock::now() - why.at,
                .over = over});
}

}  // namespace hangup
