// GET /requests/events, on the wire: what a viewer is told, in which order, and what viewers cost
// the requests that they look at.
#include "server/event_stream.h"

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <memory>
#include <set>

#include "hangup/http/causes.h"
#include "tests/wire/with_tasks.h"

namespace hangup::wire {
namespace {

using nlohmann::json;

struct shown {
  std::string name;
  std::string id;
  json data;
};

// A client that reads events. By HTTP/1.0, so that nothing but events is in the body.
class viewer {
 public:
  viewer(const live_server& s, const std::string& query = {}, const std::string& headers = {},
         int receive_buffer = 0)
      : c(s.connect(receive_buffer)) {
    EXPECT_TRUE(
        c.send("GET /requests/events" + query + " HTTP/1.0\r\nHost: test\r\n" + headers + "\r\n"));
  }

  const std::string& head() {
    if (head_.empty()) {
      head_ = c.receive_until("\r\n\r\n");
    }
    return head_;
  }
  shown next() {
    head();
    const auto text = c.receive_until("\n\n");
    shown e;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("event: ")) {
        e.name = line.substr(7);
      } else if (line.starts_with("id: ")) {
        e.id = line.substr(4);
      } else if (line.starts_with("data: ")) {
        e.data = json::parse(line.substr(6), nullptr, false);
      }
    }
    return e;
  }
  // The events up to this one; the last is it, unless the stream ends.
  std::vector<shown> until(const std::function<bool(const shown&)>& is_it) {
    std::vector<shown> all;
    for (int i = 0; i < 100'000; ++i) {
      all.push_back(next());
      if (all.back().name.empty() || is_it(all.back())) {
        break;
      }
    }
    EXPECT_FALSE(all.back().name.empty()) << "the stream has ended";
    return all;
  }
  // Up to an event with this name about a request to this target.
  std::vector<shown> until(const std::string& name, const std::string& target) {
    return until(
        [&](const shown& e) { return e.name == name && e.data.value("target", "") == target; });
  }
  // Until its begin has been told.
  void begin() {
    until([](const shown& e) { return e.name == "stats"; });
  }

  client c;

 private:
  std::string head_;
};

// "began received", "state running", "context_ended client_closed" ... of one request.
std::vector<std::string> steps(const std::vector<shown>& all, std::uint64_t number) {
  std::vector<std::string> some;
  for (const auto& e : all) {
    if (e.data.value("number", std::uint64_t{0}) == number) {
      const auto* const what = e.name == "context_ended" ? "cause"
                               : e.name == "ended"       ? "end"
                                                         : "state";
      some.push_back(e.name + " " + e.data.value(what, "?"));
    }
  }
  return some;
}

// The id of the event before or after this one.
std::string beside(const std::string& id, int by) {
  const auto at = id.rfind('-') + 1;
  return id.substr(0, at) + std::to_string(std::stoll(id.substr(at)) + by);
}

class request_stream : public testing::Test {
 protected:
  using lines = std::vector<std::string>;
  virtual server::event_stream::options how(loop& tasks) {
    return {.instance = "0badcafe",
            .max_viewers = 16,
            .ring = 1024,
            .on = tasks,
            .hello =
                [] {
                  return nlohmann::ordered_json{{"version", "test"}};
                },
            .stats =
                [] {
                  return nlohmann::ordered_json{{"late", 0}};
                },
            .kept_for = 0s};
  }
  live_server& server() {
    if (!all_) {
      all_.emplace([this](live_server& s, loop& tasks) {
        events = std::make_unique<server::event_stream>(s.server, how(tasks));
        events->add_route();
        add_waiting(s, tasks);
        s.server.follow(events->requests()).observe(events->requests());
      });
    }
    return **all_;
  }
  // A request that hangs up when it is in its handler; the handler goes on until gate.open().
  void hang_up_on_stubborn() {
    client c = server().connect();
    ASSERT_TRUE(c.send(get("/stubborn")));
    ASSERT_TRUE(server().at.await("/stubborn", ++stubborn_));
  }

  std::unique_ptr<hangup::server::event_stream> events;  // outlives the server

 private:
  std::optional<with_tasks> all_;
  int stubborn_ = 0;
};

TEST_F(request_stream, tells_a_hang_up_at_once_and_the_end_when_the_work_has_stopped) {
  viewer v(server());
  v.begin();
  EXPECT_NE(v.head().find("Content-Type: text/event-stream"), std::string::npos) << v.head();
  EXPECT_NE(v.head().find("Cache-Control: no-store"), std::string::npos);
  EXPECT_NE(v.head().find("X-Accel-Buffering: no"), std::string::npos);
  hang_up_on_stubborn();
  auto all = v.until([](const shown& e) { return e.name == "context_ended"; });
  const auto number = all.back().data["number"].get<std::uint64_t>();
  EXPECT_EQ(all.back().data["text"], "client closed (FIN)");
  EXPECT_FALSE(server().seen.has_ended("/stubborn")) << "it is told although the work goes on";
  server().gate.open();
  const auto rest = v.until("ended", "/stubborn");
  all.insert(all.end(), rest.begin(), rest.end());
  EXPECT_EQ(steps(all, number),
            (lines{"began received", "state queued", "state running", "context_ended client_closed",
                   "state writing", "ended client_closed"}))
      << "it answers, to nobody";
  const auto& end = all.back().data;
  EXPECT_EQ(end["status"], 499);
  EXPECT_EQ(end["route"], "/stubborn");
  EXPECT_EQ(end["pool"], "many");
  EXPECT_EQ(end["by"], nullptr);
  EXPECT_GT(end["stop_us"].get<double>(), 0);
  EXPECT_GE(end["at_ms"], end["context_ended_ms"]);
  EXPECT_GE(end["context_ended_ms"], end["started_ms"]);
}

TEST_F(request_stream, begins_with_what_is_in_flight_and_tells_its_hang_up_too) {
  client before = server().connect();
  ASSERT_TRUE(before.send(get("/stubborn", "X-Request-Id: mine\r\n")));
  ASSERT_TRUE(server().at.await("/stubborn"));
  viewer v(server());
  EXPECT_EQ(v.next().name, "hello");
  const auto began = v.next();
  EXPECT_EQ(began.name, "began");
  EXPECT_EQ(began.data["id"], "mine");
  EXPECT_EQ(began.data["state"], "running");
  EXPECT_EQ(began.data["trace"].get<std::string>().size(), 32U);
  before.close();
  const auto all = v.until([](const shown& e) { return e.name == "context_ended"; });
  EXPECT_EQ(steps(all, began.data["number"]), (lines{"context_ended client_closed"}));
  server().gate.open();
  v.until("ended", "/stubborn");
}

TEST_F(request_stream, says_who_has_ended_a_request) {
  viewer v(server());
  v.begin();
  client c = server().connect();
  ASSERT_TRUE(c.send(get("/task/wait")));
  const auto began = v.until("began", "/task/wait").back();
  v.until([](const shown& e) { return e.data.value("state", "") == "waiting"; });
  EXPECT_EQ(server().server.end_request(began.data["number"],
                                        {.kind = http::causes::operator_request, .text = "enough"},
                                        {"op", "1.2.3.4:5"}),
            http::ending::ended);
  const auto end = v.until("ended", "/task/wait").back().data;
  EXPECT_EQ(end["end"], "operator");
  EXPECT_EQ(end["by"], (json{{"request", "op"}, {"client", "1.2.3.4:5"}}));
}

TEST_F(request_stream, has_statistics_each_second_and_counts_what_is_in_flight) {
  client c = server().connect();
  ASSERT_TRUE(c.send(get("/task/wait")));
  ASSERT_TRUE(server().at.await("/task/wait"));
  viewer v(server());
  v.begin();
  for (int i = 0; i < 2; ++i) {
    const auto s = v.until([](const shown& e) { return e.name == "stats"; }).back();
    EXPECT_EQ(s.data["in_flight"]["waiting"], 1) << "itself is not counted: " << s.data;
    EXPECT_EQ(s.data["viewers"], 1);
    EXPECT_EQ(s.data["late"], 0);
    EXPECT_FALSE(s.id.empty());
  }
}

TEST_F(request_stream, does_not_tell_of_itself_and_ends_as_any_other_when_its_viewer_leaves) {
  viewer stays(server());
  stays.begin();
  {
    viewer leaves(server());
    leaves.begin();
    EXPECT_EQ(events->viewers(), 2U);
  }
  EXPECT_EQ(server().seen.of("/requests/events").end, request_end::client_closed)
      << server().seen.of("/requests/events");
  EXPECT_TRUE(eventually([&] { return events->viewers() == 1; }));
  client c = server().connect();
  EXPECT_EQ(c.ask(get("/pool/fast")).status, 200);
  for (const auto& e : stays.until("ended", "/pool/fast")) {
    EXPECT_NE(e.data.value("route", ""), "/requests/events");
  }
}

TEST_F(request_stream, goes_on_behind_the_last_event_that_its_client_has_seen) {
  viewer other(server());  // so that somebody looks meanwhile
  other.begin();
  client c = server().connect();
  std::string id;
  {
    viewer v(server());
    v.begin();
    EXPECT_EQ(c.ask(get("/pool/fast?1")).status, 200);
    id = v.until("ended", "/pool/fast?1").back().id;
    ASSERT_FALSE(id.empty());
  }
  EXPECT_EQ(c.ask(get("/pool/fast?2")).status, 200);
  other.until("ended", "/pool/fast?2");
  for (const bool by_header : {true, false}) {
    viewer v(server(), by_header ? "" : "?last_event_id=" + id,
             by_header ? "Last-Event-ID: " + id + "\r\n" : "");
    v.begin();
    const auto all = v.until("ended", "/pool/fast?2");
    EXPECT_EQ(all.front().id, beside(id, 1));
    std::uint64_t number = all.back().data["number"];
    EXPECT_EQ(steps(all, number), (lines{"began received", "state queued", "state running",
                                         "state writing", "ended completed"}));
  }
}

TEST_F(request_stream, begins_anew_for_a_client_of_another_server_and_says_so) {
  viewer other(server());  // so that the numbers of events go up
  other.begin();
  client before = server().connect();
  ASSERT_TRUE(before.send(get("/task/wait")));
  const auto id = other.until("began", "/task/wait").back().id;
  const auto number = id.substr(id.find('-'));
  for (const auto& theirs : {"0123456789abcdef" + number, std::string("7"), std::string("x")}) {
    viewer v(server(), "", "Last-Event-ID: " + theirs + "\r\n");
    EXPECT_EQ(v.next().name, "hello");
    const auto left_out = v.next();
    EXPECT_EQ(left_out.name, "left_out") << theirs;
    EXPECT_EQ(left_out.data, (json{{"count", nullptr}, {"why", "gap"}}));
    EXPECT_EQ(v.next().data["target"], "/task/wait") << theirs;
    const auto stats = v.next();
    EXPECT_EQ(stats.name, "stats");
    EXPECT_EQ(stats.id.substr(0, stats.id.rfind('-')), id.substr(0, id.rfind('-')));
  }
}

TEST_F(request_stream, tells_a_client_that_nobody_looked_meanwhile) {
  std::string id;
  {
    viewer v(server());
    id = v.until([](const shown& e) { return e.name == "stats"; }).back().id;
  }
  ASSERT_TRUE(eventually([&] { return !events->requests().looks(); }));
  client c = server().connect();
  ASSERT_TRUE(c.send(get("/task/wait")));
  ASSERT_TRUE(server().at.await("/task/wait"));
  viewer back(server(), "", "Last-Event-ID: " + id + "\r\n");
  EXPECT_EQ(back.next().name, "hello");
  EXPECT_EQ(back.next().data["why"], "gap");
  EXPECT_EQ(back.next().data["target"], "/task/wait") << "began, though no event was made of it";
  EXPECT_NE(back.next().id, id);
}

TEST_F(request_stream, refuses_a_last_event_that_is_no_id) {
  client c = server().connect();
  for (const auto* wrong : {"abc", "1", "a-b-c", "a-1-", "-1-2", "a-1-2-3", ""}) {
    const auto a = c.ask(get("/requests/events?last_event_id=" + std::string(wrong)));
    EXPECT_EQ(a.status, 400) << wrong;
  }
}

TEST_F(request_stream, shows_only_what_the_filter_lets_through) {
  viewer of_route(server(), "?route=/pool/bad");
  viewer of_end(server(), "?end=completed");
  of_route.begin();
  of_end.begin();
  client c = server().connect();
  EXPECT_EQ(c.ask(get("/pool/fast")).status, 200);
  EXPECT_EQ(c.ask(get("/pool/bad")).status, 400);
  EXPECT_EQ(c.ask(get("/pool/fast?last")).status, 200);
  for (const auto& e : of_route.until("ended", "/pool/bad")) {
    EXPECT_TRUE(e.name == "stats" || e.data.value("route", "/pool/bad") == "/pool/bad") << e.data;
  }
  for (const auto& e : of_end.until("ended", "/pool/fast?last")) {
    EXPECT_TRUE(e.name == "stats" || e.name == "began" || e.data.value("end", "") == "completed")
        << e.name;
    EXPECT_EQ(e.data.value("target", "").find("/pool/bad"), std::string::npos) << e.data;
  }
}

TEST_F(request_stream, tells_all_of_a_request_from_the_time_on_at_which_the_filter_holds) {
  viewer v(server(), "?state=stopping&end=client_closed");
  v.begin();
  hang_up_on_stubborn();
  auto all = v.until([](const shown& e) { return e.name == "context_ended"; });
  const auto id = all.back().id;
  const auto number = all.back().data["number"].get<std::uint64_t>();
  EXPECT_EQ(steps(all, number), (lines{"began received", "context_ended client_closed"}));
  viewer back(server(), "?state=stopping&end=client_closed&last_event_id=" + id);
  back.begin();
  server().gate.open();
  for (auto* one : {&v, &back}) {
    EXPECT_EQ(steps(one->until("ended", "/stubborn"), number),
              (lines{"state writing", "ended client_closed"}));
  }
}

TEST_F(request_stream, refuses_words_that_are_no_ends_or_states_and_says_which_are) {
  client c = server().connect();
  const auto end = c.ask(get("/requests/events?end=nice"));
  EXPECT_EQ(end.status, 400);
  EXPECT_NE(end.body.find("found \\\"nice\\\", allowed completed, client_closed"),
            std::string::npos)
      << end.body;
  const auto state = c.ask(get("/requests/events?state=ended"));
  EXPECT_EQ(state.status, 400);
  EXPECT_NE(state.body.find("allowed received, queued, running, waiting, writing, stopping"),
            std::string::npos)
      << state.body;
}

TEST_F(request_stream, holds_no_thread) {
  const auto threads = [] {
    using files = std::filesystem::directory_iterator;
    return std::distance(files("/proc/self/task"), files());
  };
  viewer first(server());
  first.begin();
  const auto before = threads();
  std::vector<std::unique_ptr<viewer>> more;
  for (int i = 0; i < 15; ++i) {
    more.push_back(std::make_unique<viewer>(server()));
    more.back()->begin();
  }
  EXPECT_EQ(events->viewers(), 16U);
  EXPECT_LT(threads(), before + 15) << "others may begin meanwhile, but not one for each";
}

TEST_F(request_stream, makes_no_events_when_nobody_looks) {
  server();
  EXPECT_FALSE(events->requests().looks());
  {
    viewer v(server());
    v.begin();
    EXPECT_TRUE(events->requests().looks());
  }
  EXPECT_TRUE(eventually([&] { return !events->requests().looks(); }));
  client c = server().connect();
  EXPECT_EQ(c.ask(get("/pool/fast")).status, 200);
  EXPECT_EQ(events->left_out(), 0U);
  viewer again(server());
  again.begin();
  EXPECT_EQ(c.ask(get("/pool/fast?again")).status, 200);
  again.until("ended", "/pool/fast?again");
}

TEST_F(request_stream, ends_well_when_the_server_is_to_stop) {
  viewer v(server());
  v.begin();
  server().server.announce_drain();
  v.c.receive_rest();
  EXPECT_EQ(v.c.how_it_ended(), test::ending::fin);
  EXPECT_EQ(server().seen.of("/requests/events").end, request_end::completed);
  client c = server().connect();
  EXPECT_EQ(c.ask(get("/requests/events")).status, 503);
}

TEST_F(request_stream, counts_for_each_viewer_what_it_was_not_shown_since_it_came) {
  viewer first(server());
  first.begin();
  client c = server().connect();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(c.ask(get("/fast")).status, 200);
  }
  ASSERT_TRUE(server().seen.await_ended(1000));  // the client may have its answer before
  const auto left_out = events->left_out();
  EXPECT_GT(left_out, 100U);
  viewer second(server());
  const auto at_first = second.until([](const shown& e) { return e.name == "stats"; }).back();
  EXPECT_EQ(at_first.data["left_out"], 0);
  EXPECT_EQ(at_first.data["missed"], 0);
  // A count may have come while they were made.
  first.until([&](const shown& e) { return e.data.value("left_out", 0U) == left_out; });
}

// Those whose begin was told; each is told once.
std::size_t count_begun(const std::vector<shown>& all) {
  std::set<std::uint64_t> numbers;
  for (const auto& e : all) {
    if (e.name == "began") {
      EXPECT_TRUE(numbers.insert(e.data["number"].get<std::uint64_t>()).second) << e.data;
    }
  }
  return numbers.size();
}

std::function<bool(const shown&)> not_shown(std::size_t count) {
  return [count](const shown& e) {
    return e.name == "stats" && e.data["not_shown"].get<std::size_t>() == count;
  };
}

class request_stream_of_many : public request_stream {
 protected:
  // More requests that wait.
  void wait(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      clients.push_back(server().connect());
      ASSERT_TRUE(clients.back().send(get("/task/wait")));
    }
    ASSERT_TRUE(server().at.await("/task/wait", static_cast<int>(clients.size())));
  }
  void hang_up(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      clients.pop_front();  // the oldest
    }
  }

  std::deque<client> clients;
};

TEST_F(request_stream_of_many, says_while_they_run_how_many_are_not_shown_and_shows_the_oldest) {
  viewer v(server());
  v.begin();
  wait(60);  // these are the oldest: of those that are sent at once, any may be read first
  wait(190);
  viewer late(server());
  auto told_late = late.until(not_shown(50));
  EXPECT_EQ(count_begun(told_late), 200U);
  EXPECT_EQ(told_late.back().data["in_flight"]["waiting"], 250);
  EXPECT_EQ(told_late.back().data["left_out"], 0) << "they may be shown yet";
  std::vector<shown> told;
  std::size_t others = 0;
  for (int i = 0; i < 100 && (others == 0 || count_begun(told) + others < 250); ++i) {
    const auto some = v.until([](const shown& e) { return e.name == "stats"; });
    told.insert(told.end(), some.begin(), some.end());
    others = told.back().data["not_shown"];
    if (count_begun(told) == 250) {  // it was slow, and so they began in more than one second
      break;
    }
  }
  EXPECT_EQ(count_begun(told) + others, 250U);
  hang_up(60);
  for (auto* one : {&v, &late}) {
    auto& all = one == &v ? told : told_late;
    const auto rest = one->until(not_shown(0));
    all.insert(all.end(), rest.begin(), rest.end());
    EXPECT_EQ(count_begun(all), 250U);
  }
}

TEST_F(request_stream_of_many, shows_a_viewer_that_comes_later_what_others_were_shown_before) {
  viewer first(server());
  first.begin();
  wait(150);
  first.until(not_shown(0));
  first.until(not_shown(0));  // now another second has begun, in which 200 are shown
  wait(100);
  first.until(not_shown(0));
  viewer second(server());
  auto told = second.until(not_shown(50));
  EXPECT_EQ(count_begun(told), 200U);
  hang_up(150);
  const auto rest = second.until(not_shown(0));
  told.insert(told.end(), rest.begin(), rest.end());
  EXPECT_EQ(count_begun(told), 250U);
}

class request_stream_of_few : public request_stream {
 protected:
  server::event_stream::options how(loop& tasks) override {
    auto few = request_stream::how(tasks);
    few.max_viewers = 2;
    few.ring = 4;
    return few;
  }
};

TEST_F(request_stream_of_few, viewers_refuses_the_next) {
  viewer a(server());
  a.begin();
  {
    viewer b(server());
    b.begin();
    client c = server().connect();
    const auto refused = c.ask(get("/requests/events"));
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.header("retry-after"), "1");
    EXPECT_NE(refused.body.find("there are 2 viewers already, as many as live.max_viewers allows"),
              std::string::npos)
        << refused.body;
    EXPECT_TRUE(server().seen.await_reached(http::limit::in_flight));
    EXPECT_TRUE(eventually([&] { return events->refused_viewers() == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return events->viewers() == 1; }));
  viewer again(server());
  again.begin();
}

// What it is told is more than the sockets hold, so its stream stands still.
TEST_F(request_stream_of_few, viewers_of_which_one_reads_nothing_slow_no_request) {
  viewer blind(server(), "", "", 65536);
  blind.begin();
  const http::route to{.method = "GET", .path = "/large"};
  events->requests().late(
      {"id", "GET", "/large", "c", to, std::string(12 << 20, 'x'), 1s, false, nullptr, 1});
  EXPECT_NE(blind.c.receive_until("event: late"), "");
  client c = server().connect();
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(c.ask(get(i % 2 == 0 ? "/pool/fast" : "/fast")).status, 200) << i;
  }
  EXPECT_NE(blind.c.receive_until("\n\n"), "") << "the rest of it";
  const auto last = blind.until([](const shown& e) { return e.name == "left_out"; });
  EXPECT_EQ(last.back().data["why"], "slow") << "it was not told while it did not read";
  const auto stats = blind.until([](const shown& e) { return e.name == "stats"; }).back();
  EXPECT_GE(stats.data["missed"], last.back().data["count"]);
}

// It can be told nothing, not even that this is the end.
TEST_F(request_stream_of_few,
       viewers_of_which_one_reads_nothing_do_not_hold_the_end_of_the_server) {
  viewer blind(server(), "?blind", "", 65536);
  blind.begin();
  const http::route to{.method = "GET", .path = "/large"};
  events->requests().late(
      {"id", "GET", "/large", "c", to, std::string(12 << 20, 'x'), 1s, false, nullptr, 1});
  EXPECT_NE(blind.c.receive_until("event: late"), "");
  viewer reads(server());
  reads.begin();
  const auto patience = with_timeout(background(), 1min);
  events->close();
  EXPECT_FALSE(server().server.drain(patience.ctx, 5s));
  EXPECT_FALSE(patience.ctx.done());
  ASSERT_TRUE(server().seen.await_ended(2));
  const auto end = server().seen.of("/requests/events?blind");
  EXPECT_EQ(end.end, request_end::shutdown) << end;
  EXPECT_NE(end.cause.find("does not read"), std::string::npos) << end;
  EXPECT_EQ(server().seen.of("/requests/events").end, request_end::completed);
}

TEST_F(request_stream_of_few, events_tells_who_is_too_slow_how_many_were_left_out) {
  viewer v(server());
  v.begin();
  client c = server().connect();
  for (int i = 0; i < 100; ++i) {  // five events each, of which four are kept
    ASSERT_EQ(c.ask(get("/pool/fast")).status, 200);
  }
  const auto left_out = v.until([](const shown& e) { return e.name == "left_out"; }).back();
  EXPECT_EQ(left_out.data["why"], "slow");
  EXPECT_GT(left_out.data["count"].get<std::uint64_t>(), 0U);
  EXPECT_GT(events->missed(), 0U);
  EXPECT_EQ(c.ask(get("/pool/fast?last")).status, 200);
  const auto last = v.until("ended", "/pool/fast?last").back().id;

  viewer back(server(), "", "Last-Event-ID: " + beside(last, -100) + "\r\n");
  EXPECT_EQ(back.next().name, "hello");
  const auto missed = back.next();
  EXPECT_EQ(missed.name, "left_out");
  EXPECT_EQ(missed.data["why"], "away") << "it was not there, however quick it is";
  EXPECT_GE(missed.data["count"].get<std::uint64_t>(), 100U);
  const auto stats = back.until([](const shown& e) { return e.name == "stats"; }).back();
  EXPECT_EQ(stats.data["missed"], 0);
}

}  // namespace
}  // namespace hangup::wire
