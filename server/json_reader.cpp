#include "server/json_reader.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "handlers/utf8.h"

namespace hangup::server {
namespace {

using nlohmann::json;

constexpr std::size_t max_levels = 16;

// nlohmann's own reader takes the last of two equal keys, and its errors speak of its parser.
class reader final : public nlohmann::json_sax<json> {
 public:
  reader(std::string_view text, json& out, mistakes& twice)
      : text_(text), slot_(&out), twice_(twice) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool binary(binary_t&) override { return false; }  // not in JSON

  bool string(string_t& value) override {
    if (value.find('\0') != std::string::npos) {  // the system would cut it there
      return stop(here("found a string with a NUL in it"));
    }
    return add(std::move(value));
  }

  bool key(string_t& name) override {
    names_.back() = name;
    const auto [member, is_new] = open_.back()->emplace(name, nullptr);
    slot_ = &member.value();
    if (!is_new) {
      twice_.add_made([this] { return here("given twice"); });
    }
    return true;
  }

  bool start_object(std::size_t) override { return start(json::object()); }
  bool end_object() override { return end(); }
  bool start_array(std::size_t) override { return start(json::array()); }
  bool end_array() override { return end(); }

  bool parse_error(std::size_t read, const std::string& token,
                   const nlohmann::detail::exception& why) override {
    const std::size_t from = std::max<std::size_t>(read, 1) - 1;
    if (why.id == 406) {
      return stop(where(from) + "not JSON: number too large");
    }
    if (from >= text_.size()) {
      return stop(where(text_.size()) + "not JSON: unexpected end");
    }
    // `read` counts up to the last byte of what was not expected. A string may be a secret.
    if (token.size() > 1 && token.front() == '"' && token.back() == '"' &&
        text_.substr(0, read).ends_with(token)) {
      return stop(where(read - token.size()) + "not JSON: unexpected string");
    }
    auto what = text_.substr(from, read - from);
    while (from + what.size() < text_.size() &&
           handlers::continues_a_character(text_[from + what.size()])) {
      what = text_.substr(from, what.size() + 1);
    }
    return stop(where(from) + "not JSON: " +
                (is_comment(from) ? "comments are not allowed" : "unexpected " + shown(what)));
  }

  bool is_comment(std::size_t at) const {
    const auto begin = text_.substr(at, 2);
    return begin == "//" || begin == "/*";
  }

  std::string where(std::size_t offset) const {
    const auto before = text_.substr(0, offset);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    auto in_line = before.substr(before.rfind('\n') + 1);  // npos + 1 == 0
    if (line == 1 && in_line.starts_with("\xef\xbb\xbf")) {
      in_line.remove_prefix(3);
    }
    return "line " + std::to_string(line) + ", column " +
           std::to_string(handlers::characters(in_line) + 1) + ": ";
  }

  bool stop(std::string what) {
    found = std::move(what);
    return false;
  }

  problem found;

 private:
  // The innermost open array or object, or the document itself.
  json* put(json value) {
    if (open_.empty() || open_.back()->is_object()) {
      *slot_ = std::move(value);
      return slot_;
    }
    open_.back()->push_back(std::move(value));
    return &open_.back()->back();
  }

  bool add(json value) { return put(std::move(value)) != nullptr; }

  bool start(json value) {
    if (open_.size() == max_levels) {
      return stop("nested deeper than " + std::to_string(max_levels) + " levels");
    }
    open_.push_back(put(std::move(value)));
    names_.emplace_back();
    return true;
  }

  bool end() {
    open_.pop_back();
    names_.pop_back();
    return true;
  }

  std::string here(const std::string& what) const {
    std::string path;
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (open_[i]->is_object()) {
        path += (path.empty() ? "" : ".") + shown_name(names_[i]);
      } else {
        const bool has_it = i + 1 < open_.size();
        path += "[" + std::to_string(open_[i]->size() - (has_it ? 1 : 0)) + "]";
      }
    }
    return path.empty() ? what : path + ": " + what;
  }

  const std::string_view text_;
  json* slot_;  // where the value of the current key goes
  mistakes& twice_;
  std::vector<json*> open_;
  std::vector<std::string> names_;  // of each open object the current key
};

}  // namespace

problem read_json(std::string_view text, json& out) {
  mistakes twice;
  const auto wrong = read_json(text, out, twice);
  return wrong || twice.empty() ? wrong : problem(twice.lines().front());
}

problem read_json(std::string_view text, json& out, mistakes& twice) {
  reader r(text, out, twice);
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    return r.where(nul) + "not JSON: unexpected NUL";  // nlohmann takes it for the end
  }
  json::sax_parse(text, &r);
  return r.found;
}

std::vector<std::string> names_in(const json& object) {
  std::vector<std::string> names;
  for (const auto& member : object.items()) {
    names.push_back(member.key());
  }
  return names;
}

}  // namespace hangup::server
