#include "tests/system/program.h"

#include <stdexcept>

#include "tests/support/eventually.h"
#include "tests/support/needs.h"

namespace hangup::system_test {
namespace {

std::vector<std::string> with_binary(std::vector<std::string> flags) {
  std::vector<std::string> command = {HANGUP_BINARY, "--port", "0"};
  command.insert(command.end(), flags.begin(), flags.end());
  return command;
}

// HTTP has no event for it. A test that passes seldom asks twice.
bool eventually_over_http(const std::function<bool()>& holds) {
  return eventually(holds, 5ms);
}

}  // namespace

std::vector<std::string> with_id(const std::string& id, std::vector<std::string> more) {
  more.insert(more.begin(), {"-H", "X-Request-Id: " + id});
  return more;
}

site::site(std::string base, std::vector<std::string> always)
    : base_(std::move(base)), always_(std::move(always)) {
  needs({test::program("curl")});
}

server::server(std::vector<std::string> flags) : site(""), program(with_binary(std::move(flags))) {
  const auto line = program.line_with(" listens on http");
  const auto from = line.find("http");
  const auto colon = line.find("://127.0.0.1:");
  if (from == std::string::npos || colon == std::string::npos) {
    throw std::runtime_error("the server did not start: " + program.output());
  }
  base_ = line.substr(from, line.find_first_of(", ", from) - from);
  port_ = static_cast<std::uint16_t>(std::stoi(base_.substr(base_.rfind(':') + 1)));
  pid_ = std::stoi(line.substr(line.rfind("pid ") + 4));
}

result site::curl(const std::string& target, std::vector<std::string> options) const {
  // Without -S: what curl says of an error would be somewhere in the answer.
  std::vector<std::string> command = {"curl", "-s", "--max-time", "30"};
  command.insert(command.end(), always_.begin(), always_.end());
  command.insert(command.end(), options.begin(), options.end());
  command.push_back(url(target));
  return run(std::move(command));
}

nlohmann::json site::get(const std::string& target) const {
  const auto r = curl(target, {"--fail"});
  return r.exit == 0 ? nlohmann::json::parse(r.output, nullptr, false) : nlohmann::json();
}

nlohmann::json site::ended(const std::string& id) const {
  nlohmann::json found;
  eventually_over_http([&] {
    const auto page = get("/requests/ended?limit=1000");
    for (const auto& e : page.value("ended", nlohmann::json::array())) {
      if (e["id"] == id) {
        found = e;
        return true;
      }
    }
    return false;
  });
  return found;
}

bool site::in_flight_until(const std::function<bool(const nlohmann::json&)>& enough) const {
  return eventually_over_http([&] {
    const auto page = get("/requests");
    return page.is_object() && enough(page["in_flight"]);
  });
}

bool site::refuses() const {
  return eventually_over_http([&] { return curl("/healthz").exit == 7; });
}

std::optional<double> site::metric(const std::string& line) const {
  const auto page = curl("/metrics").output;
  const auto at = page.find("\n" + line + " ");
  if (at == std::string::npos) {
    return std::nullopt;
  }
  return std::stod(page.substr(at + line.size() + 2));
}

}  // namespace hangup::system_test
