// Makes the request that a handler gets from a head that has been checked. It only uses what head.h
// and query_string.h have decoded, and adds nothing. Not for users.
#pragma once

#include <memory>
#include <string_view>

#include "hangup/http/request.h"
#include "http/net/address.h"
#include "http/wire/head.h"

namespace hangup::http {

// Whether a handler of this method gets a body. Bodies of other requests (RFC 9110 9.3.1) are
// discarded.
bool takes_body(std::string_view method) noexcept;

// Instead of being destroyed, a few requests of each thread are kept with their buffers, up to some
// KiB each: the next request on this thread then needs no allocation.
struct request_recycler {
  void operator()(request* done) const noexcept;
};
using kept_request = std::unique_ptr<request, request_recycler>;

// The request, except its body. `segment`: what stands in place of {id} in the path of the route, a
// view into head.path; `name`: its name. `addresses` must outlive the request.
kept_request request_for_handler(const request_head& head, std::string_view segment,
                                 const peer& addresses, std::string_view name = {});

struct request_access {
  static kept_request made();
  static void fill(request& to, const request_head& head, std::string_view segment,
                   const peer& addresses, std::string_view of_segment);
  static std::string& body(request& of) noexcept { return of.body_; }
  static piece_source*& source(request& of) noexcept { return of.source_; }
  static bool& is_tls(request& of) noexcept { return of.is_tls_; }
  static bool& was_read(request& of) noexcept { return of.was_read_; }
  static void clear(request& r) noexcept;
};

}  // namespace hangup::http
