// The events of requests in flight: what is kept, left out, let through and chosen.
#include "server/live_events.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "hangup/http/causes.h"
#include "server/live_filter.h"
#include "server/request_events.h"
#include "server/stop_times.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;

live_event event_of(std::string data) {
  return {"began", std::move(data)};
}

std::vector<std::string> data_of(const live_events::part& p) {
  std::vector<std::string> all;
  for (const auto& e : p.events) {
    all.emplace_back(e.data);
  }
  return all;
}

TEST(live_events, are_read_in_their_order_by_each_reader_at_its_own_pace) {
  live_events ring(10);
  std::uint64_t first = 0;
  EXPECT_TRUE(ring.take(first, 5).events.empty());
  for (const auto* data : {"a", "b", "c"}) {
    ring.add(event_of(data));
  }
  EXPECT_EQ(data_of(ring.take(first, 2)), (std::vector<std::string>{"a", "b"}));
  std::uint64_t second = 1;
  const auto p = ring.take(second, 5);
  EXPECT_EQ(data_of(p), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(p.events[0].number, 2U);
  EXPECT_EQ(p.left_out, 0U);
  EXPECT_EQ(data_of(ring.take(first, 5)), (std::vector<std::string>{"c"}));
  EXPECT_EQ(first, ring.last());
  EXPECT_EQ(ring.missed(), 0U);
}

TEST(live_events, that_a_reader_is_too_slow_for_are_counted) {
  live_events ring(2);
  std::uint64_t behind = 0;
  for (const auto* data : {"a", "b", "c", "d", "e"}) {
    ring.add(event_of(data));
  }
  EXPECT_EQ(ring.oldest(), 4U);
  const auto p = ring.take(behind, 9);
  EXPECT_EQ(data_of(p), (std::vector<std::string>{"d", "e"}));
  EXPECT_EQ(p.left_out, 3U);
  EXPECT_EQ(ring.missed(), 3U);
  EXPECT_EQ(ring.take(behind, 9).left_out, 0U);
}

TEST(live_events, make_their_data_once_when_somebody_reads_it) {
  live_events ring(2);
  int made = 0;
  live_event e = event_of({});
  e.make_data = [&made] { return std::to_string(++made); };
  ring.add(e);
  EXPECT_EQ(made, 0);
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  EXPECT_EQ(data_of(ring.take(a, 1)), (std::vector<std::string>{"1"}));
  EXPECT_EQ(data_of(ring.take(b, 1)), (std::vector<std::string>{"1"}));
}

TEST(live_events, of_a_closed_list_are_read_to_the_last_one) {
  live_events ring(4);
  ring.add(event_of("a"));
  ring.add(event_of("b"));
  ring.close();
  ring.add(event_of("never"));
  std::uint64_t behind = 0;
  EXPECT_FALSE(ring.take(behind, 1).closed);
  EXPECT_TRUE(ring.take(behind, 1).closed);
  EXPECT_TRUE(ring.take(behind, 1).events.empty());
}

TEST(live_events, are_added_and_read_by_many_threads_and_each_is_read_or_counted) {
  constexpr std::uint64_t each = 2000;
  live_events ring(64);
  std::vector<std::jthread> writers;
  for (int i = 0; i < 3; ++i) {
    writers.emplace_back([&ring] {
      for (std::uint64_t n = 0; n < each; ++n) {
        ring.add(event_of("x"));
      }
    });
  }
  std::uint64_t behind = 0;
  std::uint64_t seen = 0;
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (behind < 3 * each && std::chrono::steady_clock::now() < limit) {
    const auto p = ring.take(behind, 16);
    seen += p.events.size() + p.left_out;
  }
  EXPECT_EQ(seen, 3 * each);
}

live_filter filter_of(const std::string& query) {
  const http::request req("GET", "/requests/events" + query);
  http::reply res(background(), req);
  const auto f = live_filter::of(req, res);
  EXPECT_TRUE(f) << query;
  return f.value_or(live_filter{});
}

int status_of(const std::string& query) {
  const http::request req("GET", "/requests/events" + query);
  http::reply res(background(), req);
  EXPECT_FALSE(live_filter::of(req, res)) << query;
  return res.status();
}

// The events of two requests: 1 runs, is hung up on and ends; 2 is queued and is answered.
std::vector<std::shared_ptr<const live_event>> of_two_requests() {
  using http::request_end;
  const std::vector<live_event> all{
      {"stats", "stats"},
      {"began", "1 began", {}, 1, "/spin", "received"},
      {"began", "2 began", {}, 2, "/other", "received"},
      {"state", "2 queued", {}, 2, "/other", "queued"},
      {"state", "1 running", {}, 1, "/spin", "running"},
      {"late", "2 late", {}, 2, "/other"},
      {"context_ended", "1 hangs up", {}, 1, "/spin", "stopping", request_end::client_closed},
      {"late", "1 late", {}, 1, "/spin"},
      {"ended", "1 ended", {}, 1, "/spin", {}, request_end::client_closed},
      {"ended", "2 ended", {}, 2, "/other", {}, request_end::completed},
  };
  std::vector<std::shared_ptr<const live_event>> some;
  for (const auto& e : all) {
    some.push_back(std::make_shared<const live_event>(e));
  }
  return some;
}

std::vector<std::string> chosen_by(const std::string& query) {
  live_selection chosen(filter_of(query));
  std::vector<std::string> sent;
  for (const auto& e : of_two_requests()) {
    const auto c = chosen.look_at(e);
    if (c.began) {
      sent.push_back(c.began->data);
    }
    if (c.passes) {
      sent.push_back(e->data);
    }
  }
  return sent;
}

TEST(a_live_filter, chooses_requests_and_lets_through_what_is_about_none) {
  using lines = std::vector<std::string>;
  EXPECT_EQ(chosen_by("").size(), 10U);
  EXPECT_EQ(chosen_by("?route=/other"),
            (lines{"stats", "2 began", "2 queued", "2 late", "2 ended"}));
  EXPECT_EQ(chosen_by("?state=queued"),
            (lines{"stats", "2 began", "2 queued", "2 late", "2 ended"}))
      << "from its state on, all of it";
  EXPECT_EQ(chosen_by("?state=received&route=/spin"),
            (lines{"stats", "1 began", "1 running", "1 hangs up", "1 late", "1 ended"}));
  EXPECT_EQ(chosen_by("?state=stopping"),
            (lines{"stats", "1 began", "1 hangs up", "1 late", "1 ended"}));
  EXPECT_EQ(chosen_by("?end=client_closed"),
            (lines{"stats", "1 began", "1 hangs up", "1 late", "1 ended"}))
      << "a context that has ended tells how the request will";
  EXPECT_EQ(chosen_by("?end=completed"), (lines{"stats", "2 began", "2 ended"}));
}

TEST(a_live_filter, lets_through_only_that_for_which_all_holds) {
  using lines = std::vector<std::string>;
  EXPECT_EQ(chosen_by("?state=running&end=client_closed"),
            (lines{"stats", "1 began", "1 hangs up", "1 late", "1 ended"}));
  EXPECT_EQ(chosen_by("?state=queued&end=client_closed"), (lines{"stats"}));
  EXPECT_EQ(chosen_by("?route=/other&state=running"), (lines{"stats"}));
}

TEST(a_live_filter,
     lets_a_begin_through_once_though_the_request_is_told_again_as_one_of_the_oldest) {
  const auto began = [](const char* state) {
    return std::make_shared<const live_event>(live_event{"began", {}, {}, 1, "/spin", state});
  };
  live_selection chosen(filter_of("?state=running"));
  EXPECT_FALSE(chosen.look_at(began("queued")).passes);
  const auto c = chosen.look_at(began("running"));
  EXPECT_TRUE(c.passes);
  EXPECT_FALSE(c.began) << "the later one says more";
  EXPECT_FALSE(chosen.look_at(began("running")).passes);
  live_selection of_later(filter_of("?state=writing"));
  EXPECT_FALSE(of_later.look_at(began("running")).passes);
  EXPECT_TRUE(of_later
                  .look_at(std::make_shared<const live_event>(
                      live_event{"state", {}, {}, 1, "/spin", "writing"}))
                  .began);
  EXPECT_FALSE(of_later.look_at(began("running")).passes);
}

TEST(a_live_filter, forgets_requests_of_which_no_end_is_told) {
  live_selection chosen(filter_of("?state=running"));
  const auto look_at = [&](std::uint64_t number, const char* name, const char* state) {
    return chosen.look_at(
        std::make_shared<const live_event>(live_event{name, {}, {}, number, "/spin", state}));
  };
  for (std::uint64_t n = 1; n <= 10'000; ++n) {
    EXPECT_TRUE(look_at(n, "began", "running").passes);
  }
  EXPECT_FALSE(look_at(1, "state", "writing").passes);
  EXPECT_TRUE(look_at(10'000, "state", "writing").passes);
}

TEST(a_live_filter, refuses_what_is_no_end_and_no_state) {
  EXPECT_EQ(status_of("?end=nice"), 400);
  EXPECT_EQ(status_of("?state=ended"), 400);
  EXPECT_EQ(status_of("?route="), 400);
  EXPECT_EQ(status_of("?end=completed&end=failed"), 400);
}

TEST(stop_times, are_those_of_the_last_minute) {
  const http::clock::time_point now{1h};
  stop_times t;
  EXPECT_FALSE(t.last_minute(now));
  t.add(now - 2min, 9s);
  EXPECT_FALSE(t.last_minute(now));
  for (int i = 1; i <= 100; ++i) {
    t.add(now, std::chrono::microseconds(i));
  }
  const auto s = t.last_minute(now);
  ASSERT_TRUE(s);
  EXPECT_EQ(s->p50, 50us);
  EXPECT_EQ(s->p99, 99us);
  EXPECT_EQ(s->worst, 100us);
  for (int i = 0; i < 5000; ++i) {
    t.add(now, 7us);
  }
  EXPECT_EQ(t.last_minute(now)->worst, 7us);
}

// What many requests of one kind become.
class request_events_of : public testing::Test {
 protected:
  request_events_of() { events.look(true); }

  http::interest begin(const http::route& to, bool earlier = false) {
    return events.begins({++number, "id", "GET", "/x", "1.2.3.4:5", to,
                          http::request_state::received, http::clock::now(), nullptr},
                         earlier);
  }
  void end(const http::route& to, http::request_end how, http::interest followed,
           std::chrono::milliseconds took = 1ms) {
    http::request_report r{"id", "GET", "/x", "1.2.3.4:5", to, how};
    r.started = http::clock::now();
    r.ended = r.started + took;
    r.followed = followed;
    events.ended(r);
  }
  std::uint64_t shown() {
    const auto now = ring.last();
    return now - std::exchange(before, now);
  }

  live_events ring{100'000};
  request_events events{ring};
  pool some{{.name = "some", .workers = 1, .queue = 1}};
  const http::route pooled{.method = "GET", .path = "/slow", .runs_on = &some};
  const http::route quick{.method = "GET", .path = "/healthz"};
  const http::route own{.method = "GET", .path = std::string(events_path)};
  const http::route file_of_page{
      .method = "GET", .path = "/page/{file}", .serves = http::audience::operators};
  const http::route list_of_requests{
      .method = "GET", .path = "/requests", .runs_on = &some, .serves = http::audience::operators};
  std::uint64_t number = 0;
  std::uint64_t before = 0;
};

TEST_F(request_events_of, many_requests_are_a_few_hundred_and_the_ends_of_the_others_are_heard) {
  int steps = 0;
  int ends = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto wanted = begin(pooled);
    steps += wanted == http::interest::steps;
    ends += wanted == http::interest::end;
  }
  EXPECT_EQ(steps, 200);
  EXPECT_EQ(ends, 800);
  EXPECT_EQ(shown(), 200U);
  EXPECT_EQ(begin(pooled, true), http::interest::steps) << "one that has become old";
  events.next_second();
  EXPECT_EQ(begin(pooled), http::interest::steps);
}

TEST_F(request_events_of, many_quick_requests_are_a_handful) {
  int shown_ones = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto wanted = begin(quick);
    shown_ones += wanted == http::interest::steps;
    end(quick, http::request_end::completed, wanted);
  }
  EXPECT_EQ(shown_ones, 20);
  EXPECT_EQ(shown(), 40U);
  EXPECT_EQ(events.left_out(), 980U);
  EXPECT_EQ(events.next_second(), 980U);
  EXPECT_EQ(events.next_second(), 0U);
}

TEST_F(request_events_of, hang_ups_come_before_what_was_answered) {
  for (int i = 0; i < 500; ++i) {
    end(quick, http::request_end::client_closed, http::interest::none);
  }
  EXPECT_EQ(shown(), 500U);
  for (int i = 0; i < 500; ++i) {
    end(quick, http::request_end::rejected, http::interest::none);
  }
  EXPECT_EQ(shown(), 100U);
  end(pooled, http::request_end::completed, http::interest::none, 60ms);
  EXPECT_EQ(shown(), 0U);
  events.next_second();
  end(pooled, http::request_end::completed, http::interest::none, 60ms);
  EXPECT_EQ(shown(), 1U) << "slow";
  end(pooled, http::request_end::completed, http::interest::none);
  EXPECT_EQ(shown(), 0U);
  end(pooled, http::request_end::completed, http::interest::steps);
  EXPECT_EQ(shown(), 1U) << "its begin was shown";
}

TEST_F(request_events_of, its_own_stream_are_none_and_nothing_is_while_nobody_looks) {
  EXPECT_EQ(begin(own), http::interest::none);
  EXPECT_EQ(begin(own, true), http::interest::none);
  end(own, http::request_end::client_closed, http::interest::none);
  events.look(false);
  EXPECT_FALSE(events.looks());
  end(pooled, http::request_end::client_closed, http::interest::none);
  EXPECT_EQ(shown(), 0U);
  EXPECT_EQ(events.left_out(), 0U);
}

TEST_F(request_events_of, operators_own_pages_take_no_room_and_are_not_missed) {
  for (int i = 0; i < 1000; ++i) {
    const auto wanted = begin(file_of_page);
    EXPECT_EQ(wanted, http::interest::none);
    end(file_of_page, http::request_end::completed, wanted);
  }
  EXPECT_EQ(events.left_out(), 0U);
  EXPECT_EQ(shown(), 0U);
  EXPECT_EQ(begin(quick), http::interest::steps);
  shown();
  end(file_of_page, http::request_end::failed, http::interest::none);
  EXPECT_EQ(shown(), 1U) << "a failure is worth it";
  const auto many = [&] {
    for (int i = 0; i < 1000; ++i) {
      end(list_of_requests, http::request_end::completed, begin(list_of_requests));
    }
  };
  many();
  EXPECT_EQ(events.left_out(), 0U);
}

TEST_F(request_events_of, late_stoppers_are_told_with_all_that_is_known_of_them) {
  EXPECT_EQ(begin(pooled, true), http::interest::steps);
  shown();
  http::late_request l{"id", "GET", "/slow?x", "c", pooled, "client closed (FIN)", 1s, false};
  l.number = 77;
  l.started = http::clock::now();
  l.kind = http::causes::client_closed;
  events.late(l);
  std::uint64_t behind = before;
  const auto p = ring.take(behind, 9);
  ASSERT_EQ(p.events.size(), 1U);
  const auto& e = *p.events[0].what;
  EXPECT_EQ(e.name, "late");
  EXPECT_TRUE(e.tells_request) << "its begin may not have been shown";
  EXPECT_EQ(e.state, "stopping");
  EXPECT_EQ(e.end, http::request_end::client_closed);
  const auto j = nlohmann::json::parse(p.events[0].data);
  EXPECT_EQ(j["target"], "/slow?x");
  EXPECT_EQ(j["cause"], "client_closed");
  EXPECT_GE(j["started_ms"].get<double>(), 0);
}

TEST_F(request_events_of, viewers_are_counted_when_there_was_no_place_for_them) {
  http::request_report r{"id", "GET", "/x", "c", own, http::request_end::rejected};
  events.ended(r);
  EXPECT_EQ(events.refused_viewers(), 1U);
  r.work_began = http::clock::now();  // its handler said that the server drains
  events.ended(r);
  r.end = http::request_end::client_closed;
  events.ended(r);
  EXPECT_EQ(events.refused_viewers(), 1U);
}

TEST_F(request_events_of, texts_of_clients_are_ascii_and_short) {
  const std::string target = "/\xff\xe2\x80\xae\n" + std::string(8000, 'x');
  http::request_report r{"\x1b[31m", "GET", target, "c", quick, http::request_end::failed};
  events.ended(r);
  std::uint64_t behind = 0;
  const auto p = ring.take(behind, 1);
  ASSERT_EQ(p.events.size(), 1U);
  EXPECT_LT(p.events[0].data.size(), 1000U);
  for (const char c : p.events[0].data) {
    EXPECT_TRUE(c >= ' ' && c <= '~') << static_cast<int>(c);
  }
  const auto j = nlohmann::json::parse(p.events[0].data);
  EXPECT_EQ(j["target_bytes"], target.size());
}

}  // namespace
}  // namespace hangup::server
