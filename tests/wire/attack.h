// What every attack is checked for, whatever its bytes: an answer that can be read or a close, the
// hidden request never served, no worker held, no memory kept, and everybody else served meanwhile.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/resources.h"
#include "tests/wire/fixture.h"

namespace hangup::wire {

struct attack {
  std::string name;  // of the test: a_b_c
  int status;        // of the first answer
  std::string bytes;
};

inline std::ostream& operator<<(std::ostream& out, const attack& a) {
  return out << a.name;
}

inline std::string name_of(const testing::TestParamInfo<attack>& tested) {
  return tested.param.name;
}

// What an attacker wants to have served: /one/fast is asked for by nobody else.
inline std::string hidden() {
  return get("/one/fast");
}

// One attack is sent, answered, and over: its connection closed by us, readably.
inline void expect_refused(live_server& server, const attack& a) {
  client other = server.connect();
  ASSERT_EQ(other.ask(get("/fast")).status, 200);
  ASSERT_TRUE(server.seen.await_ended(1));
  const auto memory = heap_in_use();
  client c = server.connect();
  ASSERT_TRUE(c.send(a.bytes));
  const auto got = c.receive();
  EXPECT_EQ(got.status, a.status) << got.body;
  EXPECT_TRUE(got.whole);
  EXPECT_EQ(got.header("content-type"), "application/problem+json");
  EXPECT_EQ(got.header("connection"), "close");
  EXPECT_TRUE(c.sees_the_end()) << "a second answer";
  EXPECT_EQ(c.how_it_ended(), ending::fin) << "a reset may destroy the answer";
  c.close();
  ASSERT_TRUE(eventually([&] { return server.connections() == 1; }));
  EXPECT_TRUE(eventually([&] { return server.busy() == 0; }));
  // The connection is counted out a moment before its buffers are free.
  EXPECT_TRUE(eventually([&] { return heap_in_use() < memory + 100'000; })) << heap_in_use();
  EXPECT_EQ(server.seen.began_count(), 2U);
  EXPECT_EQ(server.at.count("/pool/echo"), 0);
  EXPECT_EQ(server.at.count("/one/fast"), 0);
  EXPECT_EQ(other.ask(get("/pool/fast")).status, 200) << "the others are served";
}

}  // namespace hangup::wire
