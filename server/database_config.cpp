#include "server/database_config.h"

#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

#include "handlers/query/postgres_connection.h"
#include "server/message_text.h"

namespace hangup::server {
namespace {

using nlohmann::json;

problem check_range(const stated_parameter& p, const json& stated, const std::string& path) {
  if (p.type == "text") {
    return {};
  }
  for (const auto& [end, number] : {std::pair("minimum", p.minimum), {"maximum", p.maximum}}) {
    if (p.type == "integer" && std::trunc(number) != number) {
      return path + "." + end + ": found " + stated.at(end).dump() +
             ", allowed a whole number, as the type is integer";
    }
  }
  if (p.minimum > p.maximum) {
    return path + ".minimum: found " + stated.at("minimum").dump() + ", allowed at most " +
           stated.at("maximum").dump() + ", which is its maximum";
  }
  return {};
}

problem check_parameter(const stated_parameter& p, const json& stated, const std::string& path) {
  if (p.name == "report" || p.name == "detach") {
    return path + ".name: found \"" + p.name + "\", allowed another one: requests " +
           (p.name == "report" ? "name the report by it" : "start jobs by it");
  }
  if (auto wrong = check_range(p, stated, path)) {
    return wrong;
  }
  const auto allowed = allowed_by(p);
  const auto found = path + ".default: found " + shown(p.otherwise) + ", allowed ";
  if (p.required) {
    return p.otherwise.empty() ? problem{} : found + "none, as it is required";
  }
  if (!query::read_value(allowed, p.otherwise)) {
    return found + query::in_words(allowed) + ", or \"required\": true";
  }
  return {};
}

void check_report(const json& report, const std::string& path, mistakes& wrong) {
  static const auto keys = parameter_keys();
  std::set<std::string> names;
  const auto& parameters = report.at("parameters");
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto here = path + ".parameters[" + std::to_string(i) + "]";
    stated_parameter p;
    keys.read(parameters[i], p);
    if (!names.insert(p.name).second) {
      wrong.add(here + ".name: found " + parameters[i].at("name").dump() +
                ", allowed another one: it is taken");
    }
    if (auto of_this = check_parameter(p, parameters[i], here)) {
      wrong.add(std::move(*of_this));
    }
  }
}

}  // namespace

query::allowed allowed_by(const stated_parameter& p) {
  if (p.type == "text") {
    return query::text_limit{p.max_bytes};
  }
  if (p.type == "real") {
    return query::real_range{p.minimum, p.maximum};
  }
  return query::integer_range{static_cast<std::int64_t>(p.minimum),
                              static_cast<std::int64_t>(p.maximum)};
}

void check_databases(const json& databases, mistakes& wrong) {
  for (const auto& database : databases.items()) {
    const auto path = "databases." + database.key();
    const auto& d = database.value();
    if (database.key() == "sim") {
      wrong.add(path + ": allowed another name: /query/sim is the simulated database");
    }
    if (d.at("kind") == "sqlite" && d.at("file").get<std::string>().empty()) {
      wrong.add(path + ".file: found nothing, allowed the path of a SQLite file");
    }
    if (d.at("kind") == "postgres" && !query::is_conninfo(d.at("conninfo").get<std::string>())) {
      wrong.add(path +
                ".conninfo: found what libpq does not take (not shown: it may have a password "
                "in it), allowed keywords and values, or a URI: "
                "https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING");
    }
    for (const auto& report : d.at("reports").items()) {
      check_report(report.value(), path + ".reports." + report.key(), wrong);
    }
  }
}

}  // namespace hangup::server
