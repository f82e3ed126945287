#include "server/csv_list.h"

#include <utility>

#include "http/wire/header_list.h"
#include "server/line_text.h"

namespace hangup::server {
namespace {

constexpr std::size_t piece = 16 * 1024;

bool looks_like_a_formula(std::string_view text) {
  return !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
}

// `text` keeps what the field points to.
query::field field_of(const nlohmann::ordered_json& value, std::string& text) {
  if (value.is_null()) {
    return {};
  }
  if (value.is_number_integer()) {
    return value.get<std::int64_t>();
  }
  if (value.is_number_float()) {
    return value.get<double>();
  }
  text = value.is_string() ? value.get<std::string>() : value.dump();
  text = (looks_like_a_formula(text) ? "'" : "") + escaped(text);
  return std::string_view(text);
}

}  // namespace

bool wants_csv(const http::request& req) {
  const auto accept = req.header_list("Accept");
  const auto csv = http::weight_of_type(accept, "text/csv");
  return csv.weight > 0 && csv > http::weight_of_type(accept, "application/json");
}

csv_list::csv_list(http::body_writer& to, std::vector<std::string> columns)
    : to_(to), columns_(std::move(columns)) {
  format_.columns(columns_, text_);
}

std::error_code csv_list::add(const context& ctx, const nlohmann::ordered_json& entry) {
  std::vector<std::string> texts(columns_.size());
  std::vector<query::field> fields;
  fields.reserve(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto value = entry.find(columns_[i]);
    fields.push_back(value != entry.end() ? field_of(*value, texts[i]) : query::field());
  }
  static_cast<void>(format_.row(fields, text_));  // its texts are short
  if (text_.size() < piece) {
    return ctx.err();
  }
  const auto ec = to_.write(ctx, text_);
  text_.clear();
  return ec;
}

std::error_code csv_list::finish(const context& ctx) {
  return text_.empty() ? ctx.err() : to_.write(ctx, text_);
}

}  // namespace hangup::server
