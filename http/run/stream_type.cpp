#include "http/run/stream_type.h"

#include <algorithm>
#include <array>

#include "http/wire/header_list.h"

namespace hangup::http {
namespace {

// Whether browsers save this type as a file instead of showing it.
bool is_saved(std::string_view type) {
  constexpr std::array<std::string_view, 7> all = {
      "application/x-ndjson",     "application/ndjson", "application/jsonl",
      "application/json-seq",     "text/csv",           "text/event-stream",
      "text/tab-separated-values"};
  return std::any_of(all.begin(), all.end(),
                     [type](auto t) { return equals_ignoring_case(t, type); });
}

// Whether a person has opened a page: the browser then names HTML and prefers it to the type.
bool wants_a_page(std::string_view accept, std::string_view type) {
  return weight_in(accept, "text/html").value_or(0) > weight_of_type(accept, type).weight;
}

}  // namespace

stream_type stream_type_for(std::string_view content_type, std::string_view accept) {
  const auto type = trimmed(content_type.substr(0, content_type.find(';')));
  if (!is_saved(type)) {
    return {content_type};
  }
  if (!wants_a_page(accept, type)) {
    return {content_type, true};
  }
  return {"text/plain; charset=utf-8", true, true};
}

}  // namespace hangup::http
