#include <array>
#include <cstdio>
#include <new>

#include "handlers/jobs/table.h"
#include "hangup/http/clock.h"
#include "hangup/http/request.h"
#include "http/wire/random_hex.h"

namespace hangup::jobs {
namespace {

using std::chrono::system_clock;

std::string ms(clock::duration time, int digits) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f ms", digits,
                std::chrono::duration<double, std::milli>(time).count());
  return text.data();
}

cancelable scope_of(const context& request, std::chrono::milliseconds deadline) {
  const auto kept = without_cancel(request);
  return deadline.count() > 0 ? with_timeout(kept, deadline, {.text = "the job's own"})
                              : with_cancel(kept);
}

// As at the end of each line of the log: the request, its trace and span.
std::string origin_of(const context& request) {
  const auto* const t = http::trace_of(request);
  return " [" + http::request_id(request) +
         (t != nullptr ? " " + std::string(t->trace_id()) + "-" + std::string(t->span_id()) : "") +
         "]";
}

}  // namespace

template <class Text>
void store::entry::tell(bool wrong, const Text& text) const noexcept {
  if (!table_.how.say) {
    return;
  }
  try {
    table_.how.say(wrong, text() + origin_);
  } catch (...) {
    if (table_.how.lost) {
      table_.how.lost();
    }
  }
}

store::entry::entry(table& owner, const context& request, new_job what, result::account bytes)
    : table_(owner),
      what_(std::move(what)),
      whose_(http::client_of(request)),
      origin_(origin_of(request)),
      scope_(scope_of(request, owner.how.deadline)),
      made(std::make_shared<result>(owner.room, owner.how.result_bytes, std::move(bytes))) {
  seen.number = ++owner.last_number;
  seen.id = http::random_hex(32);
  seen.what = what_.what;
  seen.content_type = what_.content_type;
  seen.request_id = http::request_id(request);
  if (const auto* const t = http::trace_of(request)) {
    seen.trace_id = t->trace_id();
  }
  seen.accepted = system_clock::now();
}

void store::entry::run() noexcept {
  const auto alive = std::move(self);
  if (ctx().done()) {
    end(ctx().err(), {});
    return;
  }
  began_ = true;
  {
    const std::lock_guard hold(table_.mutex);
    table_.becomes(*this, state::running);
    seen.started = system_clock::now();
  }
  tell(false, [this] {
    return "job " + seen.id + " begins: " + what_.what + ", after " +
           ms(clock::now() - accepted_, 2);
  });
  std::error_code ec;
  std::string why;
  work_on(ec, why);
  end(ec, why);
  if (!ctx().done()) {
    scope_.cancel({.kind = cause_kind::handler_returned});  // its deadline is not needed any more
  }
}

void store::entry::dropped() noexcept {
  const auto alive = std::move(self);
  end(ctx().err(), {});
}

void store::entry::work_on(std::error_code& ec, std::string& why) {
  const late_report report{saturated(table_.how.late_after),
                           [this](const late_stopper& l) { tell_late(l); }};
  const late_watch watch(ctx(), report, what_.what, {});
  try {
    ec = what_.run(ctx(), *made, why);
  } catch (const canceled_error& e) {
    ec = e.code();
  } catch (const std::exception& e) {
    ec = errc::broken;
    tell(true, [&] { return "job " + seen.id + " has thrown: " + e.what(); });
  } catch (...) {
    ec = errc::broken;
    tell(true, [this] {
      return "job " + seen.id + " has thrown an exception that is not a std::exception";
    });
  }
}

void store::entry::end(std::error_code ec, const std::string& why) noexcept {
  what_.run = nullptr;  // and everything that it holds
  const auto* const ended_by = ctx().cause();
  const bool stopped = ended_by != nullptr && ec == ctx().err();
  const auto as = !stopped                                 ? ec ? state::failed : state::done
                  : ended_by->kind == cause_kind::deadline ? state::failed
                                                           : state::canceled;
  std::string text;
  try {
    if (stopped) {
      text = describe(*ended_by);
    } else if (ec) {
      text = ec.message() + (why.empty() ? "" : ": " + why);
    }
  } catch (const std::bad_alloc&) {  // the job has ended all the same, and its state is known
  }
  if (as != state::done) {
    made->clear();
  }
  const auto now = clock::now();
  tell(as == state::failed, [&] {
    std::string line =
        "job " + seen.id + " " + std::string(name(as)) + (text.empty() ? "" : ": " + text) + ", ";
    line += std::to_string(made->rows()) + " rows, " + std::to_string(made->bytes()) + " bytes, ";
    line += ms(now - accepted_, 2);
    if (!began_) {
      line += ", never started";
    } else if (stopped) {
      line += ", stopped in " + ms(now - ended_by->at, 3);
    }
    return line;
  });

  const std::lock_guard hold(table_.mutex);
  table_.becomes(*this, as);
  seen.cause = std::move(text);
  seen.ended = system_clock::now();
  seen.expires = later(*seen.ended, table_.how.keep);
  expires = later(now, table_.how.keep);
  table_.over(*this);  // last: the store may not exist any more
}

void store::entry::tell_late(const late_stopper& l) const noexcept {
  l.over ? table_.late.fetch_sub(1) : table_.late.fetch_add(1);
  table_.late_total.fetch_add(l.over ? 0 : 1);
  tell(true, [&] {
    return "late stopper: job " + seen.id + (l.over ? " stopped at last, " : " still works ") +
           ms(l.since_end, 0) + " after " + describe(l.why);
  });
}

view store::entry::look() const {
  view v = seen;
  v.rows = made->rows();
  v.bytes = made->bytes();
  if (const auto* const why = ctx().cause(); why != nullptr && !is_over(v.state)) {
    v.cause = describe(*why);  // the job is being stopped
  }
  return v;
}

}  // namespace hangup::jobs
