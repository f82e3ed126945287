// A handler that asks another server on behalf of its client. When the client hangs up, so does the
// relay, and every server in the chain stops its work.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "handlers/relay/upstream.h"
#include "hangup/http/route.h"

namespace hangup::handlers {

struct relay_options {
  std::map<std::string, std::unique_ptr<const upstream>, std::less<>> upstreams;
  std::map<std::string, std::string, std::less<>> targets;  // name -> path: "sim" -> "/query/sim"
  unsigned max_hops = 8;
};

// GET ?hops=N&upstream=NAME&target=NAME&...: asks the upstream and streams its answer. With hops=1
// it requests the target; with more, the upstream's own /relay, with one hop less. All other
// parameters are passed on. Both names are looked up in the options: nothing that a client sends
// becomes part of a URL.
//
// These headers are passed on: Accept, X-Request-Id, the trace (traceparent, tracestate), the
// remaining time (X-Request-Timeout-Ms), Via, If-Match, If-None-Match, If-Modified-Since,
// If-Unmodified-Since and, for GET, a Range with one range and its If-Range; but none that the
// client's Connection header lists. The answer has the upstream's status, Content-Type, body, and
// the headers of upstream_head::handed_on().
//
// Errors: 508 for a request that has passed through this server before, or through more servers
// than max_hops; 400 for a control character in something to be passed on; 502 or 504, naming the
// upstream, if it cannot be reached, is silent, breaks off, sends an invalid answer, or sends an
// answer that must not be passed on (upstream_head::unfit()). If the head has already been sent,
// the answer is cut off instead. Stops as described in upstream_call.h.
http::handler relay(std::shared_ptr<const relay_options> options);

}  // namespace hangup::handlers
