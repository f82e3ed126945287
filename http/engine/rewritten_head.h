// The head of a request that was checked, written anew for another engine, so that this reads in it
// what the check has found, and nothing else. Pure.
#pragma once

#include <string>
#include <string_view>

#include "hangup/http/request.h"

namespace hangup::http {

// Whether the Range of this request has at most a few ranges, and is short. Another one is ignored,
// as RFC 9110 14.2 allows.
bool has_plain_range(const request& of) noexcept;

// The request line with a target in origin form, of which each percent sign begins an encoded byte,
// and the lines that decide how the request is read: all others are given to the handler by other
// means, as they were sent.
std::string rewritten_head(const request& of);

}  // namespace hangup::http
