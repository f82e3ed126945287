#include "handlers/jobs/store.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "handlers/jobs/table.h"
#include "hangup/context/wait.h"
#include "hangup/http/request.h"

namespace hangup::jobs {

std::string_view name(state s) noexcept {
  static constexpr std::array<std::string_view, states> names = {"queued", "running", "done",
                                                                 "failed", "canceled"};
  return names[static_cast<std::size_t>(s)];
}

std::string_view name(refusal r) noexcept {
  static constexpr std::array<std::string_view, refusals> names = {"none",  "jobs", "bytes",
                                                                   "share", "pool", "stopping"};
  return names[static_cast<std::size_t>(r)];
}

refusal store::table::refused(pool::owner whose, std::string& detail) const {
  const auto forgotten = "; one that has ended is removed after " +
                         std::to_string(how.keep.count() / 1000) + " s, or by DELETE";
  if (stopping) {
    detail = "the server is stopping";
    return refusal::stopping;
  }
  if (places_.only_for_others(whose)) {
    detail = "this client has " + std::to_string(places_.held_by(whose)) + " of " +
             std::to_string(all.size()) + " jobs, and the rest is reserved for others" + forgotten;
    return refusal::share;
  }
  if (!places_.free_for(whose)) {
    detail = "there are " + std::to_string(all.size()) + " jobs, which is the limit" + forgotten;
    return refusal::jobs;
  }
  if (const auto used = room->used.load();
      used >= how.total_bytes &&
      (used >= how.total_bytes + how.spare_bytes || bytes_held(whose) >= how.spare_bytes)) {
    detail = "the results of the jobs have " + std::to_string(used) + " bytes, which is the limit" +
             forgotten;
    return refusal::bytes;
  }
  return refusal::none;
}

std::chrono::seconds store::table::until_room() const {
  using std::chrono::seconds;
  return over_.empty()
             ? seconds(1)
             : std::max(seconds(1),
                        std::chrono::ceil<seconds>(over_.front()->expires - clock::now()));
}

std::size_t store::table::bytes_held(pool::owner whose) const {
  const auto here = bytes_.find(whose);
  return here != bytes_.end() ? here->second->load() : 0;
}

result::account store::table::bytes_of(pool::owner whose) {
  auto& account = bytes_[whose];
  if (!account) {
    account = std::make_shared<std::atomic<std::size_t>>(0);
  }
  return account;
}

// An account is kept for every client that has jobs. A result that is still being read holds it
// too.
void store::table::let_go(pool::owner whose) noexcept {
  if (places_.held_by(whose) == 0) {
    bytes_.erase(whose);
  }
}

void store::table::add(const std::shared_ptr<entry>& e) {
  const auto here = all.emplace(e->seen.number, e).first;
  try {
    by_id_.emplace(e->seen.id, e);
    places_.take(e->whose());
  } catch (const std::bad_alloc&) {
    by_id_.erase(e->seen.id);
    all.erase(here);
    throw;
  }
  ++counts.now[static_cast<std::size_t>(e->seen.state)];
  ++active;
}

std::shared_ptr<store::entry> store::table::find(std::string_view id) const {
  const auto here = by_id_.find(id);
  return here != by_id_.end() ? here->second : nullptr;
}

// The entry may be destroyed when the caller releases it, without the lock.
std::shared_ptr<store::entry> store::table::remove(entry& e) {
  const auto here = all.find(e.seen.number);
  auto gone = here->second;
  by_id_.erase(e.seen.id);
  all.erase(here);
  places_.give_back(e.whose());
  let_go(e.whose());
  --counts.now[static_cast<std::size_t>(e.seen.state)];
  if (std::exchange(e.is_listed_over, false)) {
    e.when_over.splice(e.when_over.begin(), over_, e.place_over);
  }
  return gone;
}

void store::table::becomes(entry& e, state as) noexcept {
  --counts.now[static_cast<std::size_t>(e.seen.state)];
  e.seen.state = as;
  ++counts.now[static_cast<std::size_t>(as)];
}

void store::table::over(entry& e) {
  e.place_over = e.when_over.begin();
  over_.splice(over_.end(), e.when_over);
  e.is_listed_over = true;
  if (over_.front() == &e) {
    timer_.arm(e.expires);
  }
  ++counts.ended[static_cast<std::size_t>(e.seen.state)];
  is_not_active_any_more(e);
}

void store::table::is_not_active_any_more(entry& e) noexcept {
  e.over.set();
  --active;
  changed.notify_all();
}

void store::table::forget_expired() noexcept {
  std::unique_lock hold(mutex);
  while (!over_.empty() && over_.front()->expires <= clock::now()) {
    auto gone = remove(*over_.front());
    ++counts.expired;
    hold.unlock();
    gone.reset();  // without the lock
    hold.lock();
  }
  if (!over_.empty()) {
    timer_.arm(over_.front()->expires);
  }
}

std::error_code store::table::wait_none(const context& ctx) {
  std::unique_lock hold(mutex);
  return wait(ctx, changed, hold, [this] { return active == 0; });
}

store::store(options how) : table_(std::make_unique<table>(std::move(how))) {}

store::~store() {
  end_all();
  static_cast<void>(table_->wait_none(background()));
}

store::begun store::start(const context& request, pool& on, new_job what) {
  begun b;
  std::shared_ptr<entry> e;
  {
    const std::lock_guard hold(table_->mutex);
    const auto whose = http::client_of(request);
    b.why = table_->refused(whose, b.detail);
    if (b.why == refusal::none) {
      try {
        e = std::make_shared<entry>(*table_, request, std::move(what), table_->bytes_of(whose));
        b.job = e->look();
        table_->add(e);
      } catch (...) {
        table_->let_go(whose);
        throw;
      }
    } else {
      ++table_->counts.refused[static_cast<std::size_t>(b.why)];
      b.retry_after = b.why == refusal::stopping ? std::chrono::seconds(1) : table_->until_room();
      return b;
    }
  }
  e->self = e;
  const auto ec = on.post(e->ctx(), *e, e->whose());
  if (ec && e->ctx().done()) {
    e->dropped();  // it was stopped in between
  }
  const std::lock_guard hold(table_->mutex);
  if (!ec || is_over(e->seen.state)) {
    try {
      b.job = e->look();
    } catch (const std::bad_alloc&) {  // return the view of its acceptance: the client needs the id
    }
    return b;
  }
  b.job.reset();
  e->self.reset();
  table_->remove(*e);
  table_->is_not_active_any_more(*e);  // somebody may have seen it, and wait for it
  b.why = ec == pool_errc::share ? refusal::share : refusal::pool;
  b.detail = on.why_not(ec);
  ++table_->counts.refused[static_cast<std::size_t>(b.why)];
  return b;
}

std::optional<view> store::find(std::string_view id) const {
  const std::lock_guard hold(table_->mutex);
  const auto e = table_->find(id);
  return e ? std::optional(e->look()) : std::nullopt;
}

std::vector<view> store::newest_first(std::size_t limit, std::uint64_t older_than) const {
  std::vector<view> views;
  const std::lock_guard hold(table_->mutex);
  const auto& all = table_->all;
  for (auto e = all.upper_bound(older_than); e != all.end() && views.size() < limit; ++e) {
    views.push_back(e->second->look());
  }
  return views;
}

std::shared_ptr<const result> store::result_of(std::string_view id) const {
  const std::lock_guard hold(table_->mutex);
  const auto e = table_->find(id);
  return e && e->seen.state == state::done ? e->made : nullptr;
}

hangup::task<std::error_code> store::wait_over(const context& ctx, std::string_view id) const {
  std::shared_ptr<entry> e;
  {
    const std::lock_guard hold(table_->mutex);
    e = table_->find(id);
  }
  if (!e) {
    co_return ctx.err();
  }
  co_return co_await e->over.wait(ctx);
}

std::optional<store::ended> store::end(std::string_view id, const std::string& text) {
  std::shared_ptr<entry> e;  // destroyed without the lock
  std::unique_lock hold(table_->mutex);
  e = table_->find(id);
  if (!e) {
    return std::nullopt;
  }
  if (is_over(e->seen.state)) {
    table_->remove(*e);
    return ended{e->look(), true};
  }
  hold.unlock();  // a hook on the end of the context may take it
  e->cancel({.kind = cause_kind::caller, .text = text});
  hold.lock();
  return ended{e->look(), false};
}

void store::refuse_more() noexcept {
  const std::lock_guard hold(table_->mutex);
  table_->stopping = true;
}

// A few at a time: hooks on the end of a context may take the lock, and a list of all jobs would
// need memory.
void store::end_all() noexcept {
  std::array<std::shared_ptr<entry>, 64> some;
  refuse_more();
  for (std::size_t found = some.size(); found == some.size();) {
    found = 0;
    {
      const std::lock_guard hold(table_->mutex);
      for (auto e = table_->all.begin(); e != table_->all.end() && found < some.size(); ++e) {
        if (!is_over(e->second->seen.state) && !e->second->ctx().done()) {
          some[found++] = e->second;
        }
      }
    }
    for (std::size_t i = 0; i < found; ++i) {
      std::exchange(some[i], nullptr)->cancel({.kind = cause_kind::shutdown});
    }
  }
}

std::error_code store::drain(const context& ctx, std::chrono::milliseconds stop_patience) {
  refuse_more();
  if (!table_->wait_none(ctx)) {
    return {};
  }
  end_all();
  const auto [patience, cancel] = with_timeout(background(), stop_patience);
  return table_->wait_none(patience);
}

std::size_t store::active() const {
  const std::lock_guard hold(table_->mutex);
  return table_->active;
}

stats store::now() const {
  const std::lock_guard hold(table_->mutex);
  stats s = table_->counts;
  s.bytes = table_->room->used.load();
  s.late = table_->late.load();
  s.late_total = table_->late_total.load();
  return s;
}

}  // namespace hangup::jobs
