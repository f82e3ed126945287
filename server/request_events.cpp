#include "server/request_events.h"

#include <new>
#include <nlohmann/json.hpp>
#include <optional>

#include "http/departure/departure.h"
#include "server/request_words.h"

namespace hangup::server {
namespace {

using ordered = nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr auto slow = 50ms;
constexpr std::size_t shown_bytes = 256;  // of a text from a client

ordered or_null(std::string_view text) {
  return text.empty() ? ordered(nullptr) : ordered(text);
}

double us(http::clock::duration d) noexcept {
  return std::chrono::duration<double, std::micro>(d).count();
}

// What each event that shows a request for the first time, or the last, says of it.
struct facts {
  std::uint64_t number;
  std::string_view id;
  std::string_view method;
  std::string_view target;
  std::size_t target_bytes;
  std::string_view client;
  const http::route& to;
  std::string_view trace;
};

ordered about(const facts& f) {
  const auto* const pool = f.to.runs_on;
  return {{"number", f.number},
          {"id", f.id.substr(0, shown_bytes)},
          {"method", f.method.substr(0, shown_bytes)},
          {"target", f.target.substr(0, shown_bytes)},
          {"target_bytes", f.target_bytes},
          {"client", f.client},
          {"route", f.to.path},
          {"pool", pool != nullptr ? ordered(pool->name()) : ordered(nullptr)},
          {"trace", or_null(f.trace)}};
}

// A request in flight, an ended one, and a late one have these.
template <class Request>
ordered about(const Request& r) {
  return about(facts{r.number, r.id, r.method, r.target, r.target.size(), r.client, r.to,
                     r.journey != nullptr ? r.journey->trace_id() : std::string_view()});
}

ordered about(const http::request_view& v) {
  return about(
      facts{v.number, v.id, v.method, v.target, v.target_bytes, v.client, *v.to, v.trace_id});
}

// Who looks at the server asks for these: the page's own files, /metrics. They take no room from
// what is looked at, and are not missed.
bool is_of_operators(const http::route& to) noexcept {
  return to.serves == http::audience::operators && to.is_on_the_spot();
}

}  // namespace

std::string line_of(const ordered& data) {
  return data.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

live_event left_out(std::optional<std::uint64_t> count, const char* why) {
  return {"left_out",
          line_of({{"count", count ? ordered(*count) : ordered(nullptr)}, {"why", why}})};
}

bool request_events::spend(std::atomic<int>& from) noexcept {
  return from.load(relaxed) > 0 && from.fetch_sub(1, relaxed) > 0;
}

// An event for which there is no memory is left out.
template <class Make>
void request_events::add(const Make& make) noexcept {
  try {
    to_.add(make());
  } catch (const std::bad_alloc&) {
    left_out_.add();
  }
}

std::uint64_t request_events::next_second() noexcept {
  begins_.store(budget::begins, relaxed);
  begins_on_spot_.store(budget::begins_on_spot, relaxed);
  hang_ups_.store(budget::hang_ups, relaxed);
  ends_.store(budget::ends, relaxed);
  answers_.store(budget::answers, relaxed);
  const auto now = left_out();
  return now - std::exchange(left_out_before_, now);
}

http::interest request_events::begins(const http::request_step& s, bool earlier) noexcept {
  if (is_event_stream(s.to)) {
    return http::interest::none;
  }
  if (!earlier && is_of_operators(s.to)) {
    return http::interest::none;
  }
  const bool on_spot = s.to.is_on_the_spot();
  if (!earlier && !spend(on_spot ? begins_on_spot_ : begins_)) {
    return !on_spot && spend(hang_ups_) ? http::interest::end : http::interest::none;
  }
  add([&] {
    auto data = about(s);
    data["state"] = name(s.state);
    data["at_ms"] = at_ms(s.started);
    return live_event{"began", line_of(data), {}, s.number, s.to.path, name(s.state), {}, true};
  });
  return http::interest::steps;
}

live_event request_events::in_flight(const http::request_view& v) const {
  const bool is_task = v.state == http::request_state::running && v.to->on_loop != nullptr;
  const auto state = is_task ? http::request_state::waiting : v.state;
  auto data = about(v);
  data["state"] = name(state);
  data["at_ms"] = at_ms(v.started);
  return {"began", line_of(data), {}, v.number, v.to->path, is_stopping(v) ? stopping : name(state),
          {},      true};
}

void request_events::enters(const http::request_step& s) noexcept {
  add([&] {
    const ordered data = {
        {"number", s.number}, {"state", name(s.state)}, {"at_ms", at_ms(http::clock::now())}};
    return live_event{"state", line_of(data), {}, s.number, s.to.path, name(s.state)};
  });
}

// The work may stop only when this has returned, so it copies, and makes no text. Of a request that
// has not been shown yet, all is copied.
void request_events::context_ended(const http::request_step& s, const cause& why,
                                   http::interest wanted) noexcept {
  if (why.kind == cause_kind::handler_returned) {
    return;
  }
  add([&] {
    struct copied {
      std::uint64_t number;
      std::string id;
      std::string method;
      std::string target;
      std::string client;
      const http::route& to;
      const http::trace* journey;
    };
    std::shared_ptr<const copied> first;
    if (wanted != http::interest::steps) {
      first = std::make_shared<const copied>(copied{s.number, std::string(s.id),
                                                    std::string(s.method), std::string(s.target),
                                                    std::string(s.client), s.to, nullptr});
    }
    const bool goes_on = s.state != http::request_state::queued;
    live_event e{"context_ended",
                 {},
                 {},
                 s.number,
                 s.to.path,
                 goes_on ? stopping : std::string_view(),
                 http::end_of(why.kind),
                 first != nullptr};
    e.make_data = [first = std::move(first), number = s.number, why, began = at_ms(s.started),
                   ended = at_ms(why.at)] {
      auto data = first ? about(*first) : ordered{{"number", number}};
      data["cause"] = why.kind.name();
      data["text"] = describe(why);
      data["started_ms"] = began;
      data["at_ms"] = ended;
      return line_of(data);
    };
    return e;
  });
}

void request_events::late(const http::late_request& l) noexcept {
  if (!looks() || is_event_stream(l.to)) {
    return;
  }
  add([&] {
    auto data = about(l);
    data["since_ms"] = http::ms(l.since);
    data["over"] = l.over;
    data["cause"] = l.kind.name();
    data["text"] = l.cause;
    data["started_ms"] = at_ms(l.started);
    data["at_ms"] = at_ms(http::clock::now());
    return live_event{"late",   line_of(data),        {},  l.number, l.to.path,
                      stopping, http::end_of(l.kind), true};
  });
}

// Of those whose begin was shown, each; of the others first those that were no answer, and none
// that was quick and well.
bool request_events::is_shown(const http::request_report& r) noexcept {
  switch (r.end) {
    case http::request_end::client_closed:
    case http::request_end::client_reset:
    case http::request_end::client_vanished:
    case http::request_end::deadline:
    case http::request_end::shutdown:
    case http::request_end::operator_request:
    case http::request_end::failed:
      return spend(ends_) || r.followed == http::interest::steps;
    case http::request_end::rejected:
    case http::request_end::bad_request:
      return r.followed == http::interest::steps || spend(answers_);
    case http::request_end::completed:
      break;
  }
  return r.followed == http::interest::steps || (r.ended - r.started >= slow && spend(answers_));
}

void request_events::ended(const http::request_report& r) noexcept {
  if (r.context_ended && r.work_stopped) {
    stops_.add(r.ended, *r.work_stopped - *r.context_ended);
  }
  if (is_event_stream(r.to)) {
    const bool had_no_place = r.end == http::request_end::rejected && !r.work_began;
    refused_viewers_.fetch_add(had_no_place ? 1 : 0, relaxed);
    return;
  }
  if (!looks()) {
    return;
  }
  if (!is_shown(r)) {
    if (r.to.serves != http::audience::operators) {
      left_out_.add();
    }
    return;
  }
  add([&] {
    auto data = about(r);
    data["end"] = name(r.end);
    data["cause"] = or_null(r.cause);
    data["status"] = r.status;
    data["stop_us"] = r.context_ended && r.work_stopped
                          ? ordered(us(*r.work_stopped - *r.context_ended))
                          : ordered(nullptr);
    data["by"] = r.by != nullptr ? ordered{{"request", r.by->request.substr(0, shown_bytes)},
                                           {"client", r.by->client}}
                                 : ordered(nullptr);
    data["context_ended_ms"] =
        r.context_ended ? ordered(at_ms(*r.context_ended)) : ordered(nullptr);
    data["started_ms"] = at_ms(r.started);
    data["at_ms"] = at_ms(r.ended);
    return live_event{"ended", line_of(data), {}, r.number, r.to.path, {}, r.end, true};
  });
}

}  // namespace hangup::server
