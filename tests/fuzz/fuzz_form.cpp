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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto line = bytes.substr(0, bytes.find('\n'));  // the header, then the body
  const auto body = bytes.substr(std::min(line.size() + 1, bytes.size()));
  std::vector<form_field> fields;
  const auto is = read_form(line, body, fields);
  require(fields.size() <= most_form_fields);
  require(is != form_is::none || fields.empty());
  std::size_t kept = 0;
  for (const auto& f : fields) {
    require(!f.name.empty());
    kept += f.name.size() + f.value.size() + f.filename.size() + f.content_type.size();
  }
  require(kept <= body.size());

  const auto r = read_range(line, size);
  require(r.is != byte_range::kind::part ||
          (r.length > 0 && r.first < size && r.length <= size - r.first));
  return 0;
}
