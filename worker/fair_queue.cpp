#include "hangup/worker/detail/fair_queue.h"

#include "hangup/worker/pool.h"

namespace hangup {

fair_queue::line& fair_queue::of(std::uint64_t owner) noexcept {
  constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;  // Knuth's multiplicative hash
  return all_[(owner * golden) >> (64U - bits)];
}

void fair_queue::push(job& j, line& to) noexcept {
  j.line_ = &to;
  j.prev_ = to.last;
  j.next_ = nullptr;
  (to.last != nullptr ? to.last->next_ : to.first) = &j;
  to.last = &j;
  ++size_;
  if (++to.waiting == 1) {
    append(to);
  }
}

void fair_queue::remove(job& j) noexcept {
  line& of = *j.line_;
  (j.prev_ != nullptr ? j.prev_->next_ : of.first) = j.next_;
  (j.next_ != nullptr ? j.next_->prev_ : of.last) = j.prev_;
  --size_;
  if (--of.waiting == 0) {
    unlink(of);
  }
}

job& fair_queue::take(bool newest) noexcept {
  line* best = newest ? back_ : front_;
  for (line* l = best; l != nullptr && best->running > 0; l = newest ? l->before : l->behind) {
    if (l->running < best->running) {
      best = l;
    }
  }
  job& j = newest ? *best->last : *best->first;
  remove(j);
  if (best->waiting > 0) {  // moves behind the other lines with equally few running
    unlink(*best);
  }
  ++best->running;
  if (best->waiting > 0) {
    append(*best);
  }
  return j;
}

void fair_queue::over(line& of) noexcept {
  if (--of.running == 0 && of.waiting > 0) {
    ++without_any_;
  }
}

void fair_queue::append(line& l) noexcept {
  l.before = back_;
  l.behind = nullptr;
  (back_ != nullptr ? back_->behind : front_) = &l;
  back_ = &l;
  ++lines_;
  without_any_ += l.running == 0 ? 1 : 0;
}

void fair_queue::unlink(line& l) noexcept {
  (l.before != nullptr ? l.before->behind : front_) = l.behind;
  (l.behind != nullptr ? l.behind->before : back_) = l.before;
  --lines_;
  without_any_ -= l.running == 0 ? 1 : 0;
}

}  // namespace hangup
