#include "http/session/registry.h"

#include <algorithm>
#include <new>

namespace hangup::http {

registry::admission registry::add(connection& c, const std::atomic<bool>& closing) noexcept {
  constexpr std::size_t refused_at_once = 64;
  const std::lock_guard hold(mutex_);
  if (closing) {
    return {};
  }
  const auto at = static_cast<std::size_t>(c.fd());
  try {
    by_descriptor_.resize(std::max(by_descriptor_.size(), at + 1));
  } catch (const std::bad_alloc&) {
    return {.over = limit::memory};
  }
  auto over = limit::none;
  std::size_t* from_here = nullptr;
  if (count_ - refused_ >= how_.max_connections) {
    over = limit::connections;
  } else if (const auto most = how_.max_connections_per_address; most != 0) {
    try {
      from_here = &by_address_[c.addresses().remote_address];
      over = *from_here >= most ? limit::connections_per_address : limit::none;
    } catch (const std::bad_alloc&) {
      over = limit::memory;
    }
  }
  const bool in = over == limit::none ||
                  (over != limit::memory && c.tls() == nullptr && refused_ < refused_at_once);
  if (in) {
    ++count_;
    if (over != limit::none) {
      ++refused_;
    } else if (from_here != nullptr) {
      ++*from_here;
    }
    c.refused = over;
    by_descriptor_[at] = &c;
    c.next_of_all = first_;
    if (first_ != nullptr) {
      first_->previous_of_all = &c;
    }
    first_ = &c;
  }
  return {in, over};
}

void registry::take_out(connection& c) noexcept {
  const std::lock_guard hold(mutex_);
  by_descriptor_[static_cast<std::size_t>(c.fd())] = nullptr;
  for (auto* p = passes_; p != nullptr; p = p->next) {
    p->at = p->at == &c ? c.next_of_all : p->at;
  }
  (c.previous_of_all != nullptr ? c.previous_of_all->next_of_all : first_) = c.next_of_all;
  if (c.next_of_all != nullptr) {
    c.next_of_all->previous_of_all = c.previous_of_all;
  }
  if (const auto here = by_address_.find(c.addresses().remote_address);
      c.refused == limit::none && here != by_address_.end() && --here->second == 0) {
    by_address_.erase(here);
  }
}

void registry::gone(limit refused) noexcept {
  const std::lock_guard hold(mutex_);
  --count_;
  refused_ -= refused != limit::none ? 1 : 0;
  if (count_ == 0) {
    changed_.notify_all();
  }
}

}  // namespace hangup::http
