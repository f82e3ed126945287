#include "server/request_log.h"

#include <spdlog/details/os.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "handlers/utf8.h"

namespace hangup::server {
namespace {

// In ASCII; bytes that are not UTF-8 are replaced.
std::string text_of(const nlohmann::ordered_json& line) {
  return line.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
}

std::string in_words(const http::trace* t) {
  return t != nullptr ? fmt::format(" {}-{}", t->trace_id(), t->span_id()) : std::string();
}

void add(nlohmann::ordered_json& line, const http::trace* t) {
  if (t != nullptr) {
    line["trace_id"] = t->trace_id();
    line["span_id"] = t->span_id();
    if (!t->parent_id().empty()) {
      line["parent_id"] = t->parent_id();
    }
  }
}

std::string in_words(const http::request_report& r) {
  auto line = fmt::format("{} {} {}", r.method.empty() ? "-" : escaped(r.method),
                          r.target.empty() ? "-" : escaped(r.target), r.status);
  fmt::format_to(std::back_inserter(line), " {}", name(r.end));
  if (!r.cause.empty()) {
    fmt::format_to(std::back_inserter(line), ": {}", escaped(r.cause));
  }
  fmt::format_to(std::back_inserter(line), ", {:.2f} ms", http::ms(r.ended - r.started));
  if (r.work_stopped) {
    fmt::format_to(std::back_inserter(line), ", stopped in {:.3f} ms",
                   http::ms(*r.work_stopped - *r.context_ended));
  } else if (r.context_ended) {
    line.append(", never started");
  }
  if (!r.broken.empty()) {
    fmt::format_to(std::back_inserter(line), ", {}", escaped(r.broken));
  }
  fmt::format_to(std::back_inserter(line), " [{} {}{}]", r.client, escaped(r.id),
                 in_words(r.journey));
  return line;
}

std::string in_json(const http::request_report& r) {
  nlohmann::ordered_json line = {{"msg", "request"},
                                 {"method", r.method},
                                 {"target", r.target},
                                 {"route", r.to.path},
                                 {"status", r.status},
                                 {"end", name(r.end)},
                                 {"ms", http::ms(r.ended - r.started)}};
  if (!r.cause.empty()) {
    line["cause"] = r.cause;
    line["started"] = r.work_began.has_value();
  }
  if (r.work_stopped) {
    line["stopped_ms"] = http::ms(*r.work_stopped - *r.context_ended);
  }
  if (!r.broken.empty()) {
    line["error"] = r.broken;
  }
  line["client"] = r.client;
  line["id"] = r.id;
  add(line, r.journey);
  return text_of(line);
}

std::string in_words(const http::late_request& l) {
  return fmt::format("late stopper: {} {} {} {:.0f} ms after {} [{} {}{}]", escaped(l.method),
                     escaped(l.target), l.over ? "stopped at last," : "still works",
                     http::ms(l.since), escaped(l.cause), l.client, escaped(l.id),
                     in_words(l.journey));
}

std::string in_json(const http::late_request& l) {
  nlohmann::ordered_json line = {{"msg", l.over ? "late stopper stopped" : "late stopper"},
                                 {"method", l.method},
                                 {"target", l.target},
                                 {"route", l.to.path},
                                 {"cause", l.cause},
                                 {"canceled_ms", http::ms(l.since)},
                                 {"client", l.client},
                                 {"id", l.id}};
  add(line, l.journey);
  return text_of(line);
}

// Whether the character can be written to a terminal or a file of lines as it is. Not control
// characters (C1 too), line and paragraph separators, and characters that change the direction of
// the following text.
bool is_printable(char32_t c) noexcept {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool formats = c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
                       (c >= 0x2066 && c <= 0x206f);
  return !control && !formats;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const auto c = handlers::first_character(text);
    const auto n = is_printable(c.code_point) ? c.size : 0;
    if (n == 0) {
      fmt::format_to(std::back_inserter(safe), "\\x{:02x}", static_cast<unsigned char>(text[0]));
    }
    safe.append(text.substr(0, n));
    text.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return safe;
}

// Makes the lines, and colours their level on a terminal.
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
    std::string line;
    if (colours_ && msg.color_range_end > msg.color_range_start) {
      line.reserve(text.size() + 16);
      line.append(text.substr(0, msg.color_range_start))
          .append(colour(msg.level))
          .append(text.substr(msg.color_range_start, msg.color_range_end - msg.color_range_start))
          .append("\x1b[0m")
          .append(text.substr(msg.color_range_end));
    } else {
      line = text;
    }
    to_.add(std::move(line));
  }
  void flush_() override {}

  static std::string_view colour(spdlog::level::level_enum level) noexcept {
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

  line_writer& to_;
  const bool colours_;
};

request_log::request_log(const config::log_t& how, int fd)
    : json_(how.format == log_format::json),
      lines_(fd, how.queue),
      out_("hangup", std::make_shared<sink>(
                         lines_, ::isatty(fd) != 0 && spdlog::details::os::is_color_terminal())) {
  out_.set_level(static_cast<spdlog::level::level_enum>(how.level));
  out_.set_error_handler([this](const std::string&) { lines_.lost(); });
  // In JSON the message is the rest of an object, which this pattern begins.
  out_.set_pattern(json_ ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v)"
                         : "%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v",
                   spdlog::pattern_time_type::utc);
}

// A line that cannot be made is dropped and counted; the caller goes on.
template <class Line>
void request_log::put(spdlog::level::level_enum level, const Line& line) noexcept {
  if (!out_.should_log(level)) {
    return;
  }
  try {
    out_.log(level, line());
  } catch (...) {
    lines_.lost();
  }
}

void request_log::ended(const http::request_report& r) noexcept {
  put(r.end == http::request_end::failed ? spdlog::level::warn : spdlog::level::info,
      [&] { return json_ ? in_json(r).substr(1) : in_words(r); });
}

void request_log::late(const http::late_request& l) noexcept {
  put(spdlog::level::warn, [&] { return json_ ? in_json(l).substr(1) : in_words(l); });
}

void request_log::say(spdlog::level::level_enum level, const std::string& line) noexcept {
  put(level, [&] { return json_ ? text_of({{"msg", line}}).substr(1) : escaped(line); });
}

}  // namespace hangup::server
