// A server that asks another one, on behalf of its client: the hang-up at the first is heard by the
// last.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "handlers/upstream.h"
#include "http/route.h"

namespace hangup::handlers {

struct relay_options {
  std::map<std::string, std::unique_ptr<const upstream>, std::less<>> upstreams;
  std::map<std::string, std::string, std::less<>> targets;  // name -> path: "sim" -> "/query/sim"
  unsigned max_hops = 8;
};

// GET ?hops=N&upstream=NAME&target=NAME&...: asks the upstream and streams its answer. With hops=1
// it is asked for the target, with more for its own /relay with one hop less; all other parameters
// go along. Both names are looked up in the options: nothing that a client sends becomes a URL.
//
// Along go Accept, X-Request-Id, the trace (traceparent, tracestate), what is left of the time
// (X-Request-Timeout-Ms), Via, and what makes the answer depend on what the client has: If-Match,
// If-None-Match, If-Modified-Since, If-Unmodified-Since and, with GET, a Range of one range and its
// If-Range; none that the client's Connection names. Back come the status, Content-Type, the
// headers of upstream_head::handed_on() and the body. A request that has been here, or by more
// servers than max_hops, is a 508; one with a control character in what would go along a 400; an
// upstream that cannot be reached, is silent, breaks off, talks nonsense or gives an answer that
// cannot be handed on (upstream_head::unfit()) is a 502 or 504 that names it, and an answer broken
// off where its head was sent already. Stops as upstream_call does.
http::handler relay(std::shared_ptr<const relay_options> options);

}  // namespace hangup::handlers
