// What the section `databases` of the configuration must be beyond its schema.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "handlers/query/report.h"
#include "server/keys.h"
#include "server/mistakes.h"

namespace hangup::server {

// A parameter of a report, as the configuration states it.
struct stated_parameter {
  std::string name;
  std::string type;           // "integer", "real" or "text"
  double minimum = 0;         // of a number
  double maximum = 0;         // of a number
  std::size_t max_bytes = 0;  // of a text
  bool required = false;
  std::string otherwise;
};

form<stated_parameter> parameter_keys();  // keys_databases.cpp

query::allowed allowed_by(const stated_parameter& p);

// Checks what the schema cannot express, in a section that the schema has completed: whether each
// database has what its kind needs, whether names are reserved, and whether the ranges and defaults
// of parameters make sense.
void check_databases(const nlohmann::json& databases, mistakes& wrong);

}  // namespace hangup::server
