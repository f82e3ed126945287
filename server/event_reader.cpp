#include "server/event_reader.h"

#include <algorithm>
#include <utility>

namespace hangup::server {
namespace {

constexpr std::size_t events_at_once = 128;  // events in one piece

}  // namespace

void append_event(std::string& to, std::string_view name, std::string_view data,
                  std::string_view id) {
  to.append("event: ").append(name).append("\n");
  if (!id.empty()) {
    to.append("id: ").append(id).append("\n");
  }
  to.append("data: ").append(data).append("\n\n");
}

event_reader::event_reader(sources from, const live_filter& which, std::string ids,
                           std::uint64_t behind)
    : from_(std::move(from)),
      ids_(std::move(ids)),
      behind_(behind),
      left_out_before_(from_.requests.left_out()),
      chosen_(which) {}

void event_reader::remember() {
  constexpr std::uint64_t most = 4096;
  auto behind = std::max(from_.events.oldest() - 1, behind_ - std::min(behind_, most));
  while (behind < behind_) {
    const auto some = std::min<std::uint64_t>(events_at_once, behind_ - behind);
    for (const auto& e : from_.events.take(behind, some).events) {
      static_cast<void>(chosen_.look_at(e.what));
      if (e.what->tells_request) {
        told_.add(e.what->request, e.number);
      }
    }
  }
}

void event_reader::append_oldest(std::string& to, const in_flight_now& now) {
  for (const auto& v : now.found.oldest) {
    if (told_.has(v.number)) {
      continue;
    }
    const auto e = std::make_shared<const live_event>(from_.requests.in_flight(v));
    told_.add(v.number, from_.events.last());
    if (chosen_.look_at(e).passes) {
      append_event(to, e->name, e->data);
    }
  }
}

void event_reader::append_stats(std::string& to, std::string_view of_all, const in_flight_now& now,
                                std::uint64_t number_of_event) {
  std::string all(of_all.substr(0, of_all.size() - 1));
  const auto number = [&all](std::string_view name, std::uint64_t is) {
    all.append(",\"").append(name).append("\":").append(std::to_string(is));
  };
  number("not_shown", told_.count_others(now.found.numbers, now.behind));
  number("left_out", from_.requests.left_out() - left_out_before_);
  number("missed", missed_);
  append_event(to, "stats", all.append("}"), ids_ + std::to_string(number_of_event));
}

bool event_reader::append_more(std::string& to) {
  const auto part = from_.events.take(behind_, events_at_once);
  if (part.left_out > 0) {
    missed_ += part.left_out;
    append_event(to, "left_out", left_out(part.left_out, "slow").data);
  }
  for (const auto& e : part.events) {
    append(to, e);
  }
  return part.closed;
}

void event_reader::append(std::string& to, const live_events::numbered& e) {
  const bool is_told = told_.has(e.what->request);
  if (e.what->tells_request) {
    told_.add(e.what->request, e.number);
  }
  if (is_told && e.what->name == "began" && !chosen_.remembers()) {
    return;
  }
  if (e.what->name == "stats") {
    static const in_flight_now none;
    const auto now = from_.in_flight();
    if (now) {
      append_oldest(to, *now);
    }
    append_stats(to, e.data, now ? *now : none, e.number);
    return;
  }
  const auto choice = chosen_.look_at(e.what);
  if (choice.began) {
    append_event(to, choice.began->name, choice.began->data);
  }
  if (choice.passes) {
    append_event(to, e.what->name, e.data, ids_ + std::to_string(e.number));
  }
}

}  // namespace hangup::server
