// The measurements of the hang-up client: each runs once, against one server, and returns its
// figures as a JSON object.
#pragma once

#include <cstdint>
#include <string>

#include "bench/http/wire.h"

namespace bench {

struct latency_options {
  std::string path = "/query/sim?rows=1&row_ms=60000&stream=0";
  leaving how = leaving::fin;
  int count = 1000;
  // From sending to hanging up, uniformly between these: long enough for the request to be at work.
  std::int64_t hold_from_us = 1500;
  std::int64_t hold_to_us = 3500;
  // So many are hung up before the stamps are read: what other clients do fills the page as well.
  int at_a_time = 1000;
  std::size_t page = 1000;  // entries that are read then
  int burn = 0;             // so many /spin are at work all the while
};

// Requests one after the other, each hung up: from just before close() to the work's stamp, in us.
// {"us": summary, "each": [...], "missing": whose hang-up was not heard, "unstarted": heard before
// the work began, "early": stopped before the close(), "answered": before they could be hung up}
json latency(const target& at, const latency_options& how, std::uint64_t seed);

// So many requests in flight at once, all hung up.
// {"zero_from_first_ms", "zero_from_last_ms": to the end of the last one, "cpu_ms": the server's
// for all that, "kib_per_request": RSS, "missing"}
json storm(const target& at, int count);
// The same for this route, on connections that have had one answer before. "kib_per_request" is
// what a request takes beside its connection, and "kib_per_connection" that.
json waiting(const target& at, const std::string& route, int count);

// So many connections that have had one answer, and are kept. {"kib_per_connection"}
json idle(const target& at, int count);

struct goodput_options {
  double per_second = 180;
  double leave = 0.5;  // this part of the clients leaves
  double seconds = 5;
  int spin_ms = 10;
};

// Clients come at random times, whatever became of those before (an open loop), each for work that
// takes CPU; some leave after 1 to 3 ms. {"asked": by those who stay, "answered", "share",
// "refused": 503, "unanswered": 3 s after the last came, "ms": summary of the answered, from the
// time at which they were to come}
json goodput(const target& at, const goodput_options& how, std::uint64_t seed);

}  // namespace bench
