#include "server/request_log.h"

#include <spdlog/details/os.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string_view>

namespace hangup::server {
namespace {

std::string_view colour(spdlog::level::level_enum level) noexcept {
  switch (level) {
    case spdlog::level::trace:
      return "\x1b[37m";
    case spdlog::level::debug:
      return "\x1b[36m";
    case spdlog::level::info:
      return "\x1b[32m";
    case spdlog::level::warn:
      return "\x1b[33m\x1b[1m";
    default:
      return "\x1b[31m\x1b[1m";
  }
}

constexpr std::string_view no_colour = "\x1b[0m";

std::string_view text_of(spdlog::level::level_enum level) noexcept {
  const auto text = spdlog::level::to_string_view(level);
  return {text.data(), text.size()};
}

// `name`: with the comma before it and the colon, R"(,"id":)".
void append_member(line_buffer& to, std::string_view name, std::string_view text) {
  append(to, name);
  append_json(to, text);
}

void append_words(line_buffer& to, const http::trace* t) {
  if (t != nullptr) {
    to.push_back(' ');
    append(to, t->trace_id());
    to.push_back('-');
    append(to, t->span_id());
  }
}

// Its digits are not escaped.
void append_json(line_buffer& to, const http::trace* t) {
  if (t == nullptr) {
    return;
  }
  append(to, R"(,"trace_id":")");
  append(to, t->trace_id());
  append(to, R"(","span_id":")");
  append(to, t->span_id());
  if (!t->parent_id().empty()) {
    append(to, R"(","parent_id":")");
    append(to, t->parent_id());
  }
  to.push_back('"');
}

// " [127.0.0.1:50312 id trace-span]"
template <class Of>
void append_who(line_buffer& to, const Of& of) {
  append(to, " [");
  append(to, of.client);
  to.push_back(' ');
  append_escaped(to, of.id);
  append_words(to, of.journey);
  to.push_back(']');
}

void append_words(line_buffer& to, const http::request_report& r) {
  append_escaped(to, r.method.empty() ? "-" : r.method);
  to.push_back(' ');
  append_escaped(to, r.target.empty() ? "-" : r.target);
  to.push_back(' ');
  append_number(to, r.status);
  to.push_back(' ');
  append(to, name(r.end));
  if (!r.cause.empty()) {
    append(to, ": ");
    append_escaped(to, r.cause);
  }
  if (r.by != nullptr) {
    append(to, ", asked by ");
    append(to, r.by->client);
    append(to, " in ");
    append_escaped(to, r.by->request);
  }
  append(to, ", ");
  append_ms(to, r.ended - r.started, 2);
  append(to, " ms");
  if (r.work_stopped) {
    append(to, ", stopped in ");
    append_ms(to, *r.work_stopped - *r.context_ended, 3);
    append(to, " ms");
  } else if (r.context_ended) {
    append(to, ", never started");
  }
  if (!r.broken.empty()) {
    append(to, ", ");
    append_escaped(to, r.broken);
  }
  append_who(to, r);
}

void append_json(line_buffer& to, const http::request_report& r) {
  append_member(to, R"("msg":"request","method":)", r.method);
  append_member(to, R"(,"target":)", r.target);
  append_member(to, R"(,"route":)", r.to.path);
  append(to, R"(,"status":)");
  append_number(to, r.status);
  append_member(to, R"(,"end":)", name(r.end));
  append(to, R"(,"ms":)");
  append_exact_ms(to, r.ended - r.started);
  if (!r.cause.empty()) {
    append_member(to, R"(,"cause":)", r.cause);
    append(to, r.work_began ? R"(,"started":true)" : R"(,"started":false)");
  }
  if (r.by != nullptr) {
    append_member(to, R"(,"by":{"request":)", r.by->request);
    append_member(to, R"(,"client":)", r.by->client);
    to.push_back('}');
  }
  if (r.work_stopped) {
    append(to, R"(,"stopped_ms":)");
    append_exact_ms(to, *r.work_stopped - *r.context_ended);
  }
  if (!r.broken.empty()) {
    append_member(to, R"(,"error":)", r.broken);
  }
  append_member(to, R"(,"client":)", r.client);
  append_member(to, R"(,"id":)", r.id);
  append_json(to, r.journey);
  to.push_back('}');
}

void append_words(line_buffer& to, const http::late_request& l) {
  append(to, "late stopper: ");
  append_escaped(to, l.method);
  to.push_back(' ');
  append_escaped(to, l.target);
  append(to, l.over ? " stopped at last, " : " still works ");
  append_number(to, std::chrono::round<std::chrono::milliseconds>(l.since).count());
  append(to, " ms after ");
  append_escaped(to, l.cause);
  append_who(to, l);
}

void append_json(line_buffer& to, const http::late_request& l) {
  append(to, l.over ? R"("msg":"late stopper stopped")" : R"("msg":"late stopper")");
  append_member(to, R"(,"method":)", l.method);
  append_member(to, R"(,"target":)", l.target);
  append_member(to, R"(,"route":)", l.to.path);
  append_member(to, R"(,"cause":)", l.cause);
  append(to, R"(,"canceled_ms":)");
  append_exact_ms(to, l.since);
  append_member(to, R"(,"client":)", l.client);
  append_member(to, R"(,"id":)", l.id);
  append_json(to, l.journey);
  to.push_back('}');
}

}  // namespace

// Takes the program's messages from spdlog, and colours their level on a terminal.
class request_log::sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  sink(line_writer& to, bool colours) : to_(to), colours_(colours) {}

 private:
  void sink_it_(const spdlog::details::log_msg& msg) override {
    msg.color_range_start = 0;
    msg.color_range_end = 0;
    spdlog::memory_buf_t made;
    formatter_->format(msg, made);
    const std::string_view text(made.data(), made.size());
    if (colours_ && msg.color_range_end > msg.color_range_start) {
      line_buffer line;
      append(line, text.substr(0, msg.color_range_start));
      append(line, colour(msg.level));
      append(line, text.substr(msg.color_range_start, msg.color_range_end - msg.color_range_start));
      append(line, no_colour);
      append(line, text.substr(msg.color_range_end));
      to_.add({line.data(), line.size()}, line_writer::when::at_once);
    } else {
      to_.add(text, line_writer::when::at_once);
    }
  }
  void flush_() override {}

  line_writer& to_;
  const bool colours_;
};

request_log::request_log(const config::log_t& how, int fd)
    : json_(how.format == log_format::json),
      colours_(!json_ && ::isatty(fd) != 0 && spdlog::details::os::is_color_terminal()),
      lines_(fd, how.queue),
      out_("hangup", std::make_shared<sink>(lines_, colours_)) {
  out_.set_level(static_cast<spdlog::level::level_enum>(how.level));
  out_.set_error_handler([this](const std::string&) { lines_.lost(); });
  // As put() begins its lines. In JSON the message is the rest of an object.
  out_.set_pattern(json_ ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v)"
                         : "%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v",
                   spdlog::pattern_time_type::utc);
}

std::vector<std::string> request_log::skip(const std::vector<std::string>& paths,
                                           const std::vector<const http::route*>& routes) {
  const auto listed = [&](const std::string& path) {
    return std::find(paths.begin(), paths.end(), path) != paths.end();
  };
  skipped_.clear();
  for (const auto* r : routes) {
    skipped_.push_back(listed(r->path));
  }
  std::vector<std::string> unknown;
  std::copy_if(paths.begin(), paths.end(), std::back_inserter(unknown), [&](const auto& path) {
    return std::none_of(routes.begin(), routes.end(),
                        [&](const auto* r) { return r->path == path; });
  });
  return unknown;
}

bool request_log::is_skipped(const http::request_report& r) const noexcept {
  constexpr int first_error = 400;
  return r.to.index < skipped_.size() && skipped_[r.to.index] &&
         r.end == http::request_end::completed && r.status < first_error;
}

// A line that cannot be made is dropped and counted; the caller goes on.
template <class Append>
void request_log::put(spdlog::level::level_enum level, line_writer::when w,
                      const Append& append_rest) noexcept {
  try {
    line_buffer line;
    append(line, json_ ? R"({"ts":")" : "");
    append_time(line, std::chrono::system_clock::now());
    append(line, json_ ? R"(","level":")" : " ");
    append(line, colours_ ? colour(level) : "");
    append(line, text_of(level));
    append(line, colours_ ? no_colour : "");
    append(line, json_ ? R"(",)" : " ");
    append_rest(line);
    line.push_back('\n');
    lines_.add({line.data(), line.size()}, w);
  } catch (...) {
    lines_.lost();
  }
}

void request_log::ended(const http::request_report& r) noexcept {
  const bool failed = r.end == http::request_end::failed;
  const auto level = failed ? spdlog::level::warn : spdlog::level::info;
  if (!out_.should_log(level) || is_skipped(r)) {
    return;
  }
  put(level, failed ? line_writer::when::at_once : line_writer::when::with_others,
      [&](line_buffer& to) { json_ ? append_json(to, r) : append_words(to, r); });
}

void request_log::late(const http::late_request& l) noexcept {
  if (out_.should_log(spdlog::level::warn)) {
    put(spdlog::level::warn, line_writer::when::at_once,
        [&](line_buffer& to) { json_ ? append_json(to, l) : append_words(to, l); });
  }
}

void request_log::say(spdlog::level::level_enum level, const std::string& line) noexcept {
  if (!out_.should_log(level)) {
    return;
  }
  try {
    line_buffer text;
    if (json_) {
      append_member(text, R"("msg":)", line);
      text.push_back('}');
    } else {
      append_escaped(text, line);
    }
    out_.log(level, spdlog::string_view_t(text.data(), text.size()));
  } catch (...) {
    lines_.lost();
  }
}

}  // namespace hangup::server
