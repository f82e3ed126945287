// The body of a stranger's form, and the Range header: no crash, bounds that hold, nothing that was
// not sent.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/run/form.h"
#include "http/wire/byte_range.h"

using namespace hangup::http;

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

template <class Request>
std::size_t parts_of(const Request& req) {
  if constexpr (requires { req.files; }) {
    return req.files.size();
  } else {
    return req.form.files.size() + req.form.fields.size();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto line = bytes.substr(0, bytes.find('\n'));  // the header, then the body
  httplib::Request req;
  req.method = "POST";
  req.body = bytes.substr(std::min(line.size() + 1, bytes.size()));
  req.headers.emplace("Content-Type", line);
  const auto is = read_form(req);
  require(parts_of(req) <= most_form_fields && req.params.size() <= most_form_fields + 1);
  require(is != form_is::none || (parts_of(req) == 0 && req.params.empty()));
  std::size_t kept = 0;
  for (const auto& [name, value] : req.params) {
    kept += name.size() + value.size();
  }
  require(kept <= req.body.size());

  const auto r = read_range(line, size);
  require(r.is != byte_range::kind::part ||
          (r.length > 0 && r.first < size && r.length <= size - r.first));
  return 0;
}
