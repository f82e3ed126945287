// The life of a request as a table: forward only, and exactly one end.
#include "http/exchange/request_life.h"
#include "hangup/http/causes.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hangup::http {
namespace {

using st = request_state;
using end = request_end;

constexpr st states[] = {st::received, st::queued, st::running, st::writing, st::ended};

TEST(request_life, begins_received) {
  EXPECT_EQ(request_life().state(), st::received);
}

TEST(request_life, goes_forward_only_and_may_leave_states_out) {
  for (const st from : states) {
    for (const st to : states) {
      request_life life;
      if (from == st::ended) {
        life.finish(nullptr, {true, false, 200});
      } else if (from != st::received) {
        ASSERT_TRUE(life.advance(from));
      }
      const bool forward = to > from && to != st::ended;
      EXPECT_EQ(life.advance(to), forward) << name(from) << " to " << name(to);
      EXPECT_EQ(life.state(), forward ? to : from);
    }
  }
}

struct ending {
  std::optional<cause_kind> why;
  outcome answer;
  end expected;
};

std::vector<ending> endings() {
  const outcome nothing;
  const outcome whole{true, false, 200};
  const outcome whole_but_late{true, true, 200};
  const outcome half{false, false, 200};
  std::vector<ending> all = {
      {std::nullopt, whole, end::completed},
      {std::nullopt, {true, false, 101}, end::completed},
      {std::nullopt, {true, false, 399}, end::completed},
      {std::nullopt, {true, false, 400}, end::bad_request},
      {std::nullopt, {true, false, 404}, end::bad_request},
      {std::nullopt, {true, false, 499}, end::bad_request},
      {std::nullopt, {true, false, 500}, end::failed},
      {std::nullopt, {true, false, 502}, end::failed},
      {std::nullopt, {true, false, 503}, end::rejected},
      {std::nullopt, {true, false, 504}, end::failed},
      {std::nullopt, half, end::failed},
      {std::nullopt, nothing, end::failed},
      {std::nullopt, {false, false, 404}, end::failed},
  };
  const std::vector<std::pair<cause_kind, end>> causes = {
      {causes::client_closed, end::client_closed},
      {causes::client_reset, end::client_reset},
      {causes::client_vanished, end::client_vanished},
      {causes::write_timeout, end::client_vanished},
      {cause_kind::deadline, end::deadline},
      {cause_kind::shutdown, end::shutdown},
      {causes::operator_request, end::operator_request},
      {cause_kind::caller, end::failed},
      {cause_kind::sibling_failed, end::failed},
      {cause_kind::handler_returned, end::failed},
  };
  for (const auto& [kind, expected] : causes) {
    all.push_back({kind, nothing, expected});
    all.push_back({kind, half, expected});
    all.push_back({kind, whole_but_late, expected});
    all.push_back({kind, {true, true, 504}, expected});
    all.push_back({kind, whole, end::completed});  // left after the last byte
    all.push_back({kind, {true, false, 404}, end::bad_request});
  }
  return all;
}

TEST(request_life, ends_as_the_cause_and_the_answer_say) {
  for (const auto& e : endings()) {
    request_life life;
    cause why;
    why.kind = e.why.value_or(cause_kind::caller);
    EXPECT_EQ(life.finish(e.why ? &why : nullptr, e.answer), e.expected)
        << (e.why ? e.why->name() : "alive") << " " << e.answer.status << " " << e.answer.complete;
    EXPECT_EQ(life.state(), st::ended);
  }
}

TEST(request_life, ends_once) {
  cause why;
  why.kind = causes::client_reset;
  request_life life;
  EXPECT_EQ(life.finish(&why, {}), end::client_reset);
  EXPECT_EQ(life.finish(nullptr, {true, false, 200}), end::client_reset);
  EXPECT_FALSE(life.advance(st::writing));
  EXPECT_EQ(life.state(), st::ended);
}

TEST(request_life, only_a_departure_is_one) {
  for (int i = 0; i < request_ends; ++i) {
    const auto e = static_cast<end>(i);
    const bool left =
        e == end::client_closed || e == end::client_reset || e == end::client_vanished;
    EXPECT_EQ(client_left(e), left) << name(e);
  }
}

TEST(request_life, names_are_all_there_and_all_different) {
  std::set<std::string_view> names;
  for (int i = 0; i < request_ends; ++i) {
    names.insert(name(static_cast<end>(i)));
  }
  for (const st s : states) {
    names.insert(name(s));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(request_ends) + std::size(states));
  EXPECT_EQ(names.count("unknown"), 0U);
  EXPECT_EQ(name(static_cast<end>(request_ends)), "unknown");
  EXPECT_EQ(name(end::operator_request), "operator");
}

}  // namespace
}  // namespace hangup::http
