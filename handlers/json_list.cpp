#include "handlers/json_list.h"

namespace hangup::handlers {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t piece = 16 * 1024;

// Appends the value as indented lines.
void append(std::string& to, const ordered_json& value, std::string_view indent) {
  const auto text = value.dump(2, ' ', true, ordered_json::error_handler_t::replace);
  for (const char c : text) {
    to.push_back(c);
    if (c == '\n') {  // never within a string, where it would be escaped
      to.append(indent);
    }
  }
}

}  // namespace

json_list::json_list(http::body_writer& to, const ordered_json& first, std::string_view name)
    : to_(to), text_("{\n") {
  for (const auto& [key, value] : first.items()) {
    text_.append("  ").append(ordered_json(key).dump()).append(": ");
    append(text_, value, "  ");
    text_.append(",\n");
  }
  text_.append("  ").append(ordered_json(name).dump()).append(": [");
}

std::error_code json_list::add(const context& ctx, const ordered_json& entry) {
  text_.append(empty_ ? "\n    " : ",\n    ");
  empty_ = false;
  append(text_, entry, "    ");
  if (text_.size() < piece) {
    return ctx.err();
  }
  const auto ec = to_.write(ctx, text_);
  text_.clear();
  return ec;
}

std::error_code json_list::finish(const context& ctx) {
  text_.append(empty_ ? "]\n}\n" : "\n  ]\n}\n");
  return to_.write(ctx, text_);
}

std::string shortened(std::string_view text, std::size_t bytes) {
  std::string shown(text.substr(0, shown_bytes));
  if (bytes > shown_bytes) {
    shown.append("... (").append(std::to_string(bytes)).append(" bytes)");
  }
  return shown;
}

}  // namespace hangup::handlers
