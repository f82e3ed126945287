#include "handlers/query/named_database.h"

#include "hangup/context/error.h"

namespace hangup::query {

std::string_view name(query_end e) noexcept {
  static constexpr std::array<std::string_view, query_ends> names = {
      "completed", "stopped", "unreachable", "busy", "bad_argument", "failed"};
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
  if (ec == errc::bad_argument) {
    return query_end::bad_argument;
  }
  // The errors of the context, and the error of a body whose client has left.
  const bool stopped = ec.category() == context_category() || ec == std::errc::broken_pipe;
  return stopped ? query_end::stopped : query_end::failed;
}

}  // namespace hangup::query
