#include "server/database_config.h"

#include <cmath>
#include <set>
#include <utility>

#include "handlers/query/postgres_connection.h"
#include "server/words.h"

namespace hangup::server {
namespace {

using nlohmann::json;

query::allowed allowed_by(const json& parameter) {
  const auto type = parameter.at("type").get<std::string>();
  if (type == "text") {
    return query::text_limit{parameter.at("max_bytes").get<std::size_t>()};
  }
  const auto least = parameter.at("minimum").get<double>();
  const auto most = parameter.at("maximum").get<double>();
  if (type == "real") {
    return query::real_range{least, most};
  }
  return query::integer_range{static_cast<std::int64_t>(least), static_cast<std::int64_t>(most)};
}

problem check_range(const json& parameter, const std::string& path) {
  if (parameter.at("type") == "text") {
    return {};
  }
  const auto least = parameter.at("minimum").get<double>();
  const auto most = parameter.at("maximum").get<double>();
  for (const auto* const end : {"minimum", "maximum"}) {
    const auto number = parameter.at(end).get<double>();
    if (parameter.at("type") == "integer" && std::trunc(number) != number) {
      return path + "." + end + ": found " + parameter.at(end).dump() +
             ", allowed a whole number, as the type is integer";
    }
  }
  if (least > most) {
    return path + ".minimum: found " + parameter.at("minimum").dump() + ", allowed at most " +
           parameter.at("maximum").dump() + ", which is its maximum";
  }
  return {};
}

problem check_parameter(const json& parameter, const std::string& path) {
  if (parameter.at("name") == "report") {
    return path + ".name: found \"report\", allowed another one: requests name the report by it";
  }
  if (auto wrong = check_range(parameter, path)) {
    return wrong;
  }
  const auto otherwise = parameter.at("default").get<std::string>();
  const auto allowed = allowed_by(parameter);
  const auto found = path + ".default: found " + shown(otherwise) + ", allowed ";
  if (parameter.at("required").get<bool>()) {
    return otherwise.empty() ? problem{} : found + "none, as it is required";
  }
  if (!query::read_value(allowed, otherwise)) {
    return found + query::in_words(allowed) + ", or \"required\": true";
  }
  return {};
}

void check_report(const json& report, const std::string& path, mistakes& wrong) {
  std::set<std::string> names;
  const auto& parameters = report.at("parameters");
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto here = path + ".parameters[" + std::to_string(i) + "]";
    if (!names.insert(parameters[i].at("name").get<std::string>()).second) {
      wrong.add(here + ".name: found " + parameters[i].at("name").dump() +
                ", allowed another one: it is taken");
    }
    if (auto of_this = check_parameter(parameters[i], here)) {
      wrong.add(std::move(*of_this));
    }
  }
}

query::report read_report(const std::string& name, const json& from) {
  query::report r{name, from.at("description").get<std::string>(),
                  from.at("sql").get<std::string>()};
  for (const auto& p : from.at("parameters")) {
    auto& to = r.parameters.emplace_back();
    to.name = p.at("name").get<std::string>();
    to.allowed = allowed_by(p);
    if (!p.at("required").get<bool>()) {
      to.otherwise = query::read_value(to.allowed, p.at("default").get<std::string>());
    }
  }
  return r;
}

}  // namespace

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

config::database_t read_database(const json& from) {
  config::database_t to;
  from.at("kind").get_to(to.kind);
  from.at("pool").get_to(to.pool);
  to.deadline = std::chrono::milliseconds(from.at("deadline_ms").get<std::int64_t>());
  from.at("connections").get_to(to.connections);
  from.at("spare_percent").get_to(to.spare_percent);
  to.wait = std::chrono::milliseconds(from.at("wait_ms").get<std::int64_t>());
  from.at("file").get_to(to.file);
  from.at("sample").get_to(to.sample);
  from.at("sample_rows").get_to(to.sample_rows);
  from.at("conninfo").get_to(to.conninfo);
  to.connect_timeout = std::chrono::milliseconds(from.at("connect_timeout_ms").get<std::int64_t>());
  to.settle_timeout = std::chrono::milliseconds(from.at("settle_timeout_ms").get<std::int64_t>());
  from.at("read_only").get_to(to.read_only);
  for (const auto& report : from.at("reports").items()) {
    to.reports.emplace(report.key(), read_report(report.key(), report.value()));
  }
  return to;
}

}  // namespace hangup::server
