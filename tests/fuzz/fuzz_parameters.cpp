// The parameters of a stranger's query, from the request line to what handlers make of them: as
// they are decoded, and as they are checked. Next to a reading of the same query that shares no
// code with it.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "handlers/parameters.h"
#include "handlers/query/sim_query.h"
#include "handlers/query/spin.h"
#include "handlers/search/search.h"
#include "handlers/search/search_root.h"
#include "hangup/context/context.h"
#include "hangup/http/reply.h"
#include "http/exchange/incoming.h"
#include "http/wire/head.h"
#include "tests/support/temporary_directory.h"

using namespace hangup;

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

int digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

// The form as browsers write it: + is a space, %XX a byte; what is no encoding stays.
std::string decoded(std::string_view raw) {
  std::string text;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '%' && i + 2 < raw.size() && digit(raw[i + 1]) >= 0 && digit(raw[i + 2]) >= 0) {
      text.push_back(static_cast<char>(digit(raw[i + 1]) * 16 + digit(raw[i + 2])));
      i += 2;
    } else {
      text.push_back(raw[i] == '+' ? ' ' : raw[i]);
    }
  }
  return text;
}

// The first value of a name, if there is one.
std::optional<std::string> first_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto part = query.substr(0, end);
    const auto equals = std::min(part.find('='), part.size());
    if (decoded(part.substr(0, equals)) == name) {
      return equals < part.size() ? decoded(part.substr(equals + 1)) : std::string();
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return std::nullopt;
}

// As numbers are written: digits, and no more of them than fit.
bool is_number(const std::string& text, std::uint64_t& value) {
  value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || value > (UINT64_MAX - static_cast<std::uint64_t>(c - '0')) / 10) {
      return false;
    }
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return !text.empty();
}

void check_number(const http::request& req, const char* name, std::optional<std::string> said) {
  handlers::parameters p(req);
  constexpr std::uint64_t least = 3;
  constexpr std::uint64_t most = 1'000'000;
  const auto value = p.number(name, 7, least, most);
  require(value >= least && value <= most);
  require(p.problem().empty() || p.problem().find(name) != std::string::npos);
  if (said) {
    std::uint64_t number = 0;
    const bool good = is_number(*said, number) && number >= least && number <= most;
    require(p.problem().empty() == good && value == (good ? number : 7));
  }
}

void check_text(const http::request& req, const char* name, std::optional<std::string> said) {
  handlers::parameters p(req);
  const auto text = p.text(name, 100);
  if (said) {
    require(text == *said);
    require(p.problem().empty() == (!said->empty() && said->size() <= 100));
  }
  handlers::parameters f(req);
  const bool flag = f.flag(name, true);
  if (said) {
    require(f.problem().empty() == (*said == "0" || *said == "1"));
    require(flag == (*said != "0"));
  }
}

// A handler refuses with a problem that is JSON, or takes it.
void ask(const http::handler& h, const context& ctx, const http::request& req) {
  http::reply res(ctx, req);
  h(ctx, req, res);
  if (res.status() >= 400) {
    const auto body = nlohmann::json::parse(res.body(), nullptr, false);
    require(body.is_object() && body["status"] == res.status() && !body["detail"].empty());
  }
}

struct asked {
  asked() {
    const hangup::test::temporary_directory folder;  // its descriptor stays
    search = handlers::search(std::make_shared<const search::root>(folder.path()), 1000);
    ended.cancel();  // nothing is worked on, only read
  }
  http::handler search;
  http::handler sim_query = handlers::sim_query();
  http::handler spin =
      handlers::spin({.allow_deaf = true, .max_deaf = std::chrono::milliseconds(1)});
  cancelable ended = with_cancel(background());
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const asked all;
  const std::string query(reinterpret_cast<const char*>(data), size);
  const auto text = "GET /?" + query + " HTTP/1.1\r\nHost: fuzz\r\n\r\n";
  http::request_head head;
  http::refusal why;
  if (http::read_head(text, {}, head, why) != http::head_is::whole || head.query != query) {
    return 0;  // bytes that cannot be in a target
  }
  static const http::peer nobody;
  const auto made = http::request_for_handler(head, {}, nobody);
  const auto& req = *made;

  for (const char* name : {"rows", "row_ms", "pattern", "stream", "a"}) {
    const bool once = req.count_parameter(name) <= 1;
    const auto said = once ? first_value(query, name) : std::nullopt;
    require(!once || req.has_parameter(name) == said.has_value());
    check_number(req, name, said);
    check_text(req, name, said);
    if (!once) {
      handlers::parameters p(req);
      p.text_or(name, "", 100);
      require(p.problem().find(" of it, allowed one") != std::string::npos);
    }
  }
  const auto ctx = all.ended.ctx;
  ask(all.sim_query, ctx, req);
  if (req.parameter("look") != "0") {  // it would burn all the time that it is told to
    ask(all.spin, ctx, req);
  }
  ask(all.search, ctx, req);
  return 0;
}
