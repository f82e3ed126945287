#include "server/event_stream.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>

#include "handlers/parameters.h"
#include "hangup/context/wait.h"
#include "http/wire/number.h"
#include "http/wire/random_hex.h"

namespace hangup::server {
namespace {

using ordered = nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr std::size_t shown_at_first = 200;  // of what is in flight
constexpr std::size_t at_once = 128;         // events in one piece
constexpr auto between_looks = 50ms;         // nobody wakes a viewer

void append(std::string& to, std::string_view name, std::string_view data,
            std::string_view id = {}) {
  to.append("event: ").append(name).append("\n");
  if (!id.empty()) {
    to.append("id: ").append(id).append("\n");
  }
  to.append("data: ").append(data).append("\n\n");
}

void append(std::string& to, const live_event& e) {
  append(to, e.name, e.data);
}

live_event left_out(std::uint64_t count, const char* why) {
  return {"left_out", line_of({{"count", count}, {"why", why}})};
}

bool is_other(const http::route& to) {
  return !is_event_stream(to);
}

live_event gap() {
  return {"left_out", line_of({{"count", nullptr}, {"why", "gap"}})};
}

constexpr std::string_view ids_allowed = "the id of an event: server-epoch-number";

struct event_id {
  std::string_view instance;
  std::uint64_t epoch;
  std::uint64_t number;
};

std::optional<event_id> id_of(std::string_view text) {
  const auto first = text.find('-');
  const auto second = text.find('-', first + 1);
  if (first == 0 || second == std::string_view::npos) {
    return std::nullopt;
  }
  const auto epoch = http::whole_number<std::uint64_t>(text.substr(first + 1, second - first - 1));
  const auto number = http::whole_number<std::uint64_t>(text.substr(second + 1));
  return epoch && number ? std::optional(event_id{text.substr(0, first), *epoch, *number})
                         : std::nullopt;
}

// A header that is no id of ours is that of another server, which the client does not know: a
// browser's EventSource sends what it was told last. It is not refused.
std::string_view last_event_id(const http::request& req) {
  return req.header("Last-Event-ID").value_or(req.parameter("last_event_id").value_or(""));
}

bool check_last_event_id(const http::request& req, http::reply& res) {
  handlers::parameters p(req);
  constexpr std::string_view name = "last_event_id";
  constexpr std::size_t most = 80;
  const auto text = p.text_or(name, "", most);
  if (!text.empty() && !id_of(text)) {
    p.wrong(name, handlers::shown_text(text), ids_allowed);
  }
  if (!p.problem().empty()) {
    res.problem(400, p.problem());
  }
  return p.problem().empty();
}

}  // namespace

// Counts as one while it exists.
class event_stream::viewer {
 public:
  explicit viewer(event_stream& of) : of_(of) {
    const std::lock_guard hold(of_.mutex_);
    of_.requests_.look(true);
    ++of_.viewers_;
    of_.seconds_without_viewers_ = 0;
    epoch = of_.epoch_;
    if (!of_.ticks_) {
      of_.ticks_ = true;
      of_.ticks_ = !spawn(of_.how_.on, of_.living_.ctx,
                          [&s = of_](const context& ctx) { return s.each_second(ctx); });
    }
  }
  ~viewer() {
    const std::lock_guard hold(of_.mutex_);
    --of_.viewers_;
  }
  viewer(const viewer&) = delete;
  viewer& operator=(const viewer&) = delete;

  std::uint64_t epoch = 0;  // the same as long as there is a viewer

 private:
  event_stream& of_;
};

event_stream::event_stream(http::server& of, options how)
    : of_(of),
      how_(std::move(how)),
      instance_(http::random_hex(16)),
      events_(how_.ring),
      requests_(events_),
      living_(with_cancel(background())) {}

event_stream::~event_stream() {
  living_.cancel({.kind = cause_kind::shutdown});
  std::unique_lock hold(mutex_);
  over_.wait(hold, [this] { return !ticks_; });
}

void event_stream::add_route() {
  of_.handle({.method = "GET",
              .path = std::string(events_path),
              .on_loop = &how_.on,
              .max_in_flight = how_.max_viewers,
              .as_written = true,
              .serves = http::audience::operators,
              .answer = [this](const context& ctx, http::request& req, http::reply& res) -> task<> {
                return answer(ctx, req, res);
              }});
}

std::string event_stream::hello() const {
  ordered first = {{"server", instance_},
                   {"now_ms", requests_.at_ms(http::clock::now())},
                   {"viewers", viewers()}};
  first.update(how_.hello());
  return line_of(first);
}

ordered event_stream::stats() const {
  const auto now = http::clock::now();
  const auto n = of_.count_in_flight(is_other);
  ordered all = {{"at_ms", requests_.at_ms(now)},
                 {"in_flight",
                  {{"received", n.received},
                   {"queued", n.queued},
                   {"running", n.running},
                   {"waiting", n.waiting},
                   {"writing", n.writing},
                   {"stopping", n.stopping}}}};
  if (const auto took = requests_.stops().last_minute(now)) {
    const auto us = [](auto d) { return std::chrono::duration<double, std::micro>(d).count(); };
    all["stop_us"] = {{"p50", us(took->p50)}, {"p99", us(took->p99)}, {"worst", us(took->worst)}};
  } else {
    all["stop_us"] = nullptr;
  }
  all["viewers"] = viewers();
  all.update(how_.stats());
  return all;
}

live_event event_stream::stats_event() const {
  return {"stats", line_of(stats())};
}

// Returns false when this was the last one.
bool event_stream::another_second() {
  bool shows = false;
  {
    const std::lock_guard hold(mutex_);
    shows = viewers() > 0;
    seconds_without_viewers_ = shows ? 0 : seconds_without_viewers_ + 1;
    if (seconds_without_viewers_ > how_.kept_for.count()) {
      requests_.look(false);
      ++epoch_;
      return false;
    }
  }
  if (of_.draining()) {
    close();
  }
  if (const auto count = requests_.next_second(); count > 0) {
    events_.add(server::left_out(count, "many"));
    // Those of them that turn out to be slow are shown after all.
    of_.follow_oldest(shown_at_first, is_other);
  }
  if (shows) {
    events_.add(stats_event());
  }
  return true;
}

task<> event_stream::each_second(context ctx) {
  bool goes_on = true;
  while (goes_on) {
    const std::error_code ec = co_await sleep_for(ctx, 1s);
    goes_on = !ec && another_second();
  }
  const std::lock_guard hold(mutex_);
  ticks_ = false;
  over_.notify_all();  // this may be destroyed when the lock is released
}

// What a viewer was told at first: the events of these, up to this one, would repeat it.
struct event_stream::begins {
  std::unordered_set<std::uint64_t> requests{};
  std::uint64_t up_to = 0;
  bool has(const live_events::numbered& e) const {
    return e.number <= up_to && e.what->name == "began" && requests.contains(e.what->request);
  }
};

// Where a viewer is, and what it was not shown.
struct event_stream::position {
  std::string ids;  // what all ids begin with
  std::uint64_t behind;
  std::uint64_t left_out_before;  // requests, when it came
  std::uint64_t missed = 0;       // events that it was too slow for
  std::string id() const { return ids + std::to_string(behind); }
};

// The numbers of a second are the same for all viewers, but for these two.
std::string event_stream::stats_for(const position& at, std::string_view of_all) const {
  std::string own(of_all.substr(0, of_all.size() - 1));
  own.append(",\"left_out\":").append(std::to_string(left_out() - at.left_out_before));
  return own.append(",\"missed\":").append(std::to_string(at.missed)).append("}");
}

// Returns whether nothing more will come.
bool event_stream::append_more(std::string& to, position& at, live_selection& chosen,
                               const begins& shown) {
  const auto part = events_.take(at.behind, at_once);
  if (part.left_out > 0) {
    at.missed += part.left_out;
    append(to, server::left_out(part.left_out, "slow"));
  }
  for (const auto& e : part.events) {
    if (shown.has(e)) {
      continue;
    }
    const auto choice = chosen.look_at(e.what);
    if (choice.began) {
      append(to, *choice.began);
    }
    if (choice.passes) {
      const bool is_stats = e.what->name == "stats";
      append(to, e.what->name, is_stats ? stats_for(at, e.data) : std::string(e.data),
             at.ids + std::to_string(e.number));
    }
  }
  return part.closed;
}

// A client that comes back: the filter knows what it would know, had the client stayed.
void event_stream::remember(live_selection& chosen, std::uint64_t up_to) {
  constexpr std::uint64_t most = 4096;
  auto behind = std::max(events_.oldest() - 1, up_to - std::min(up_to, most));
  while (behind < up_to) {
    for (const auto& e :
         events_.take(behind, std::min<std::uint64_t>(at_once, up_to - behind)).events) {
      static_cast<void>(chosen.look_at(e.what));
    }
  }
}

task<> event_stream::answer(context ctx, http::request& req, http::reply& res) {
  const auto filter = live_filter::of(req, res);
  if (!filter || !check_last_event_id(req, res)) {
    co_return;
  }
  if (of_.draining()) {
    res.set("Retry-After", "1");
    res.problem(503, "the server is draining");
    co_return;
  }
  const viewer counted(*this);
  const auto now_last = events_.last();
  const auto given = last_event_id(req);
  const auto seen = id_of(given);
  const bool is_known = seen && seen->instance == instance_ && seen->epoch == counted.epoch &&
                        seen->number <= now_last;
  const bool has_all = is_known && seen->number + 1 >= events_.oldest();
  position at{instance_ + "-" + std::to_string(counted.epoch) + "-",
              has_all ? seen->number : now_last, left_out()};

  live_selection chosen(*filter);
  if (has_all && chosen.remembers()) {
    remember(chosen, seen->number);
  }

  std::string text;
  append(text, {"hello", hello()});
  begins shown;
  if (!has_all) {
    if (is_known) {
      at.missed = now_last - seen->number;
      append(text, server::left_out(at.missed, "slow"));
    } else if (!given.empty()) {
      append(text, gap());
    }
    for (const auto& v : of_.follow_oldest(shown_at_first, is_other)) {
      const auto e = std::make_shared<const live_event>(requests_.in_flight(v));
      if (chosen.look_at(e).passes) {
        append(text, *e);
        shown.requests.insert(v.number);
      }
    }
    shown.up_to = events_.last();
  }
  // Who has this has all that is above, and comes back behind it.
  append(text, "stats", stats_for(at, line_of(stats())), at.id());

  res.set("X-Accel-Buffering", "no");
  res.stream("text/event-stream");
  for (;;) {
    std::error_code ec = co_await res.write(ctx, text);
    if (ec) {
      co_return;
    }
    text.clear();
    // If the context ends, the next write says so, also to the server.
    for (bool none = true; !ec && none; none = text.empty()) {
      ec = co_await sleep_for(ctx, between_looks);
      if (append_more(text, at, chosen, shown) && text.empty()) {
        co_return;
      }
    }
  }
}

}  // namespace hangup::server
