// The content type of a stream: see reply::stream(). Not for users.
#pragma once

#include <string_view>

namespace hangup::http {

struct stream_type {
  std::string_view name;
  bool varies = false;   // it depends on Accept
  bool as_text = false;  // a browser shows it instead of saving it
};

// `accept`: all lines of the request's Accept as one list. The result is a view into
// `content_type`, or into a constant.
stream_type stream_type_for(std::string_view content_type, std::string_view accept);

}  // namespace hangup::http
