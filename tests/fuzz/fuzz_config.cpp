// The configuration, read from any bytes: it is accepted with every value in its range, or refused
// in a few lines that can be printed. The first byte says what is fuzzed: the document, or the text
// of a flag that goes over it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "server/config.h"
#include "server/listening.h"

using namespace hangup::server;

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void check_line(const std::string& line) {
  require(!line.empty() && line.size() < 4096);
  require(std::all_of(line.begin(), line.end(),
                      [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; }));
  require(nlohmann::json(line).dump(-1, ' ', false, nlohmann::json::error_handler_t::ignore) ==
          nlohmann::json(line).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

// What the rest of the program relies on.
void check_values(const config& c) {
  require(!addresses_of(c).empty());
  require(c.listen.host.find('\0') == std::string::npos);
  require(c.listen.path.find('\0') == std::string::npos);
  require(c.listen.backlog > 0 && c.log.queue > 0);
  require(c.http.front_threads > 0 && c.http.max_connections > 0 && c.http.max_head_bytes > 0);
  require(c.http.max_headers > 0 && c.http.body_buffer_bytes > 0);
  require(c.http.head_timeout.count() > 0 && c.http.write_timeout.count() > 0);
  require(c.http.keepalive_probes > 0 && c.http.user_timeout.count() >= 0);
  for (const auto& [name, pool] : c.pools) {
    require(!name.empty() && pool.workers > 0);
  }
  for (const auto* r : {&c.routes.query_sim, &c.routes.spin, &c.routes.search}) {
    require(c.pools.count(r->pool) == 1 && r->deadline.count() >= 0);
  }
  require(!c.search.root.empty() && c.stopping.drain.count() >= 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'p' || data[0] == 'h' || data[0] == 'l') {
    text.resize(std::min(text.find('\0'), text.size()));  // a command line has none
  }
  try {
    if (data[0] == '{') {  // a document, with its first byte
      const auto document = "{" + text;
      const auto c = parse(document, "fuzz.json");
      check_values(c);
      require(nlohmann::json::accept(document));
      require(c == parse(document, "fuzz.json"));
    } else if (data[0] == 'p') {
      check_values(defaults({{"--port", "listen.port", text}}));
      require(std::to_string(defaults({{"--port", "listen.port", text}}).listen.port).size() <= 5);
    } else if (data[0] == 'h') {
      const auto c = defaults({{"--host", "listen.host", text}});
      check_values(c);
      require(c.listen.host == text);
    } else if (data[0] == 'l') {
      check_values(defaults({{"--log-level", "log.level", text}}));
    } else {
      check_values(parse(std::string(1, static_cast<char>(data[0])) + text, text));
    }
  } catch (const config_error& e) {
    std::istringstream lines(e.what());
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      check_line(line);
    }
    require(count > 0 && count <= mistakes::most + 1);
  }
  return 0;
}
