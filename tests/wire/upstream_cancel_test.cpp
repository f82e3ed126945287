// A call to an upstream ends with its context, in whatever it waits for.
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <cstdio>
#include <future>

#include "handlers/relay/upstream_call.h"
#include "hangup/http/problem.h"
#include "hangup/worker/loop.h"
#include "tests/support/fake_upstream.h"
#include "tests/support/temporary_directory.h"

namespace hangup::handlers {
namespace {

using namespace std::chrono_literals;
using test::asker;
using test::black_hole;
using test::fake_upstream;

constexpr int rounds = 21;

upstream_options waiting_long(std::string url) {
  return {.url = std::move(url), .connect_timeout = 60s, .stall_timeout = 60s};
}

// Calls, cancels when `there` has returned, and measures until the call has returned; several
// times.
void is_interrupted(
    const upstream& u, const char* in, const std::function<void(int)>& there,
    const std::function<void(int)>& heard = [](int) {}) {
  std::vector<double> times;
  for (int i = 1; i <= rounds; ++i) {
    const auto request = with_cancel(background());
    auto call = std::async(std::launch::async, [&] {
      upstream_call c(u, false, "/", {});
      auto ec = run_blocking(c.ask(request.ctx));
      std::string_view piece = "some";
      while (!ec && !piece.empty()) {
        ec = run_blocking(c.read(request.ctx, piece));
      }
      EXPECT_EQ(ec, errc::canceled);
      return context::clock::now();
    });
    there(i);
    const auto begin = context::clock::now();
    request.cancel();
    const auto took = call.get() - begin;
    EXPECT_LT(took, 2s) << in;
    times.push_back(std::chrono::duration<double, std::milli>(took).count());
    heard(i);
  }
  std::sort(times.begin(), times.end());
  std::printf("interrupted in %s: %.3f ms (median of %d), %.3f ms (worst)\n", in,
              times[times.size() / 2], rounds, times.back());
  EXPECT_EQ(u.count(upstream_end::canceled), static_cast<std::uint64_t>(rounds));
  EXPECT_EQ(u.in_flight(), 0U);
}

// There is no event for "it waits now": the call has begun, and gets a moment to come as far.
void waits(const upstream& u) {
  while (u.in_flight() == 0) {
    std::this_thread::yield();
  }
  ::poll(nullptr, 0, 20);
}

TEST(a_call, is_interrupted_in_the_look_up_of_a_name) {
  std::promise<void> go;
  const auto gone = go.get_future().share();
  const upstream u("next", waiting_long("http://a.example"), [gone](const std::string&) {
    gone.wait();
    return name_lookup::addresses{};
  });
  is_interrupted(u, "look-up", [&](int) { waits(u); });
  go.set_value();
}

TEST(a_call, is_interrupted_while_it_connects) {
  const black_hole hole;
  const upstream u("next", waiting_long(hole.url()));
  is_interrupted(u, "connect", [&](int) { waits(u); });
}

TEST(a_call, is_interrupted_in_the_tls_handshake) {
  fake_upstream f([](const asker& a) { EXPECT_TRUE(a.leaves()); });
  const upstream u("next", waiting_long(f.url("https")));
  is_interrupted(
      u, "TLS handshake", [&](int i) { ASSERT_TRUE(f.accepted(i)); },
      [&](int i) { EXPECT_TRUE(f.over(i)); });
}

TEST(a_call, by_a_unix_socket_is_interrupted_and_its_upstream_learns_of_it) {
  const test::temporary_directory folder;
  const test::unix_listener at(folder / "s");
  fake_upstream f(
      [](const asker& a) {
        a.head();
        EXPECT_TRUE(a.leaves());
      },
      at.fd());
  const upstream u("next", waiting_long("unix:" + (folder / "s")));
  is_interrupted(
      u, "the wait for an answer by a Unix socket", [&](int i) { EXPECT_TRUE(f.accepted(i)); },
      [&](int i) { EXPECT_TRUE(f.over(i)); });
}

TEST(a_call, is_interrupted_while_it_waits_for_the_answer) {  // B88
  std::promise<void> asked[rounds];
  int n = 0;
  fake_upstream f([&](const asker& a) {
    a.head();
    asked[n++].set_value();
    EXPECT_TRUE(a.leaves());
  });
  const upstream u("next", waiting_long(f.url()));
  is_interrupted(
      u, "wait", [&](int i) { asked[i - 1].get_future().wait(); },
      [&](int i) { EXPECT_TRUE(f.over(i)) << "the upstream has heard it"; });
}

TEST(a_call, is_interrupted_while_it_reads) {
  std::promise<void> asked[rounds];
  int n = 0;
  fake_upstream f([&](const asker& a) {
    a.head();
    a.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello");
    asked[n++].set_value();
    EXPECT_TRUE(a.leaves());
  });
  const upstream u("next", waiting_long(f.url()));
  is_interrupted(
      u, "read", [&](int i) { asked[i - 1].get_future().wait(); },
      [&](int i) { EXPECT_TRUE(f.over(i)); });
}

TEST(a_call, does_not_begin_on_a_context_that_has_ended) {
  fake_upstream f([](const asker&) {});
  const upstream u("next", waiting_long(f.url()));
  const auto request = with_cancel(background());
  request.cancel();
  upstream_call c(u, false, "/", {});
  EXPECT_EQ(run_blocking(c.ask(request.ctx)), errc::canceled);
}

TEST(a_call, whose_deadline_passes_is_counted_as_that) {
  fake_upstream f([](const asker& a) { EXPECT_TRUE(a.leaves()); });
  const upstream u("next", waiting_long(f.url()));
  const auto request = with_timeout(background(), 50ms);
  upstream_call c(u, false, "/", {});
  EXPECT_EQ(run_blocking(c.ask(request.ctx)), errc::deadline_exceeded);
  EXPECT_EQ(u.count(upstream_end::deadline), 1U);
}

}  // namespace
}  // namespace hangup::handlers
