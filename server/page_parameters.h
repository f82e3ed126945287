// Parameters that lists of requests have in common, and the link to their next page.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/parameters.h"
#include "hangup/http/clock.h"
#include "hangup/http/request.h"
#include "hangup/http/request_end.h"
#include "server/page_target.h"

namespace hangup::server {

inline constexpr std::uint64_t most_entries = 100'000;  // of one page
inline constexpr std::size_t most_route_bytes = 256;

// One of these words, or "" if the parameter is absent or wrong.
std::string word_of(handlers::parameters& p, const http::request& req, std::string_view name,
                    const std::vector<std::string_view>& words);
std::optional<http::request_end> end_of(handlers::parameters& p, const http::request& req);
// "30s": so long ago; "81234567890": the time that the pages show, in nanoseconds.
http::clock::time_point since_of(handlers::parameters& p);
std::uint64_t after_of(handlers::parameters& p, std::uint64_t otherwise);

void add_if(page_target& to, std::string_view name, std::string_view value);
// The value of Link.
std::string as_next(const page_target& t);

}  // namespace hangup::server
