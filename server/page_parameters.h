// Parameters that lists of requests have in common, and the link to their next page.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "handlers/parameters.h"
#include "hangup/http/clock.h"
#include "server/page_target.h"

namespace hangup::server {

inline constexpr std::uint64_t most_entries = 100'000;  // of one page

// "30s": so long ago; "81234567890": the time that the pages show, in nanoseconds.
http::clock::time_point since_of(handlers::parameters& p);
std::uint64_t after_of(handlers::parameters& p, std::uint64_t otherwise);

void add_if(page_target& to, std::string_view name, std::string_view value);
// The value of Link.
std::string as_next(const page_target& t);

}  // namespace hangup::server
