#include "server/event_stream.h"

#include <optional>
#include <string_view>
#include <utility>

#include "handlers/parameters.h"
#include "hangup/context/wait.h"
#include "http/wire/number.h"

namespace hangup::server {
namespace {

using ordered = nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr std::size_t oldest_shown = 200;  // of what is in flight
constexpr auto between_looks = 50ms;       // nobody wakes a viewer

bool is_other(const http::route& to) {
  return !is_event_stream(to);
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
// browser's EventSource sends what it was told last, and would give up after a 400. It is not
// refused; the client is told that there is a gap. The parameter is written by people and programs,
// who want to know what is wrong with it.
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
  explicit viewer(viewer_count& of) : epoch(of.come()), of_(of) {}
  ~viewer() { of_.leave(); }
  viewer(const viewer&) = delete;
  viewer& operator=(const viewer&) = delete;

  const std::uint64_t epoch;

 private:
  viewer_count& of_;
};

event_stream::event_stream(http::server& of, options how)
    : of_(of),
      how_(std::move(how)),
      events_(how_.ring),
      requests_(events_),
      viewers_(how_.kept_for.count(),
               {[this] {
                  return !spawn(how_.on, living_.ctx,
                                [this](const context& ctx) { return each_second(ctx); });
                },
                [this](bool does) { look(does); }}),
      living_(with_cancel(background())) {}

event_stream::~event_stream() {
  living_.cancel({.kind = cause_kind::shutdown});
  viewers_.await_last();
}

void event_stream::add_route() {
  of_.handle({.method = "GET",
              .path = std::string(events_path),
              .on_loop = &how_.on,
              .max_in_flight = how_.max_viewers,
              .too_many = "there are " + std::to_string(how_.max_viewers) +
                          " viewers already, as many as live.max_viewers allows",
              .as_written = true,
              .serves = http::audience::operators,
              .answer = [this](const context& ctx, http::request& req, http::reply& res) -> task<> {
                return answer(ctx, req, res);
              }});
}

// Called by viewer_count, under its lock.
void event_stream::look(bool does) {
  requests_.look(does);
  if (!does) {
    const std::lock_guard hold(mutex_);
    in_flight_.reset();
  }
}

std::string event_stream::hello() const {
  ordered first = {{"server", how_.instance},
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

// From now on the oldest are followed, if they were not before.
in_flight_now event_stream::look_around() {
  const auto behind = events_.last();
  return {behind, of_.follow_oldest(oldest_shown, is_other)};
}

// Who reads has come to the end of its stream within a second.
void event_stream::end_unread() {
  if (std::exchange(was_closed_, events_.is_closed())) {
    of_.end_requests([](const http::request_view& v) { return is_event_stream(*v.to); },
                     {.kind = cause_kind::shutdown, .text = "its viewer does not read"});
  }
}

// Returns false when this was the last one; then this object may be gone.
bool event_stream::another_second() {
  const auto now = viewers_.another_second();
  if (now == viewer_count::second::last) {
    return false;
  }
  if (of_.draining()) {
    close();
  }
  if (const auto count = requests_.next_second(); count > 0) {
    events_.add(server::left_out(count, "many"));
  }
  if (now == viewer_count::second::watched) {
    end_unread();
    // Who was not shown when it began is shown if it turns out to be slow. The numbers are those of
    // this time, so viewers find both when they come to the event.
    auto found = std::make_shared<const in_flight_now>(look_around());
    {
      const std::lock_guard hold(mutex_);
      in_flight_.swap(found);
    }
    events_.add({"stats", line_of(stats())});
  }
  return true;
}

task<> event_stream::each_second(context ctx) {
  for (;;) {
    if (const std::error_code ec = co_await sleep_for(ctx, 1s)) {
      viewers_.seconds_over();
      co_return;
    }
    if (!another_second()) {
      co_return;
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
  const viewer counted(viewers_);
  const auto now_last = events_.last();
  const auto given = last_event_id(req);
  const auto seen = id_of(given);
  const bool is_known = seen && seen->instance == how_.instance && seen->epoch == counted.epoch &&
                        seen->number <= now_last;
  const bool has_all = is_known && seen->number + 1 >= events_.oldest();

  event_reader reader({events_, requests_,
                       [this] {
                         const std::lock_guard hold(mutex_);
                         return in_flight_;
                       }},
                      *filter, how_.instance + "-" + std::to_string(counted.epoch) + "-",
                      has_all ? seen->number : now_last);
  std::string text;
  append_event(text, "hello", hello());
  const auto now = look_around();
  if (has_all) {
    reader.remember();
  } else {
    if (is_known) {
      append_event(text, "left_out", server::left_out(now_last - seen->number, "away").data);
    } else if (!given.empty()) {
      append_event(text, "left_out", server::left_out(std::nullopt, "gap").data);
    }
    reader.append_oldest(text, now);
  }
  // Who has this has all that is above, and comes back behind it.
  reader.append_stats(text, line_of(stats()), now);

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
      if (reader.append_more(text) && text.empty()) {
        co_return;
      }
    }
  }
}

}  // namespace hangup::server
