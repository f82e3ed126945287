#include "hangup/http/context_of.h"

bool part_is_there() {
  httplib::Request req;
  return hangup::http::context_of(req).err() == std::error_code{};
}
