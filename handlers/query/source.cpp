#include "handlers/query/source.h"

namespace hangup::query {

std::string_view name(query_end e) noexcept {
  static constexpr std::array<std::string_view, query_ends> names = {
      "completed", "stopped", "unreachable", "busy", "failed"};
  return names[static_cast<std::size_t>(e)];
}

query_end end_of(std::error_code ec) noexcept {
  if (!ec) {
    return query_end::completed;
  }
  if (ec == errc::unreachable) {
    return query_end::unreachable;
  }
  if (ec == errc::busy) {
    return query_end::busy;
  }
  return ec == errc::failed ? query_end::failed : query_end::stopped;
}

}  // namespace hangup::query
