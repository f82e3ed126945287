// Reads the section `databases` of the configuration, as config.cpp reads the other sections.
#pragma once

#include <nlohmann/json.hpp>

#include "server/config.h"
#include "server/mistakes.h"

namespace hangup::server {

// Checks what the schema cannot express, in a section that the schema has completed: whether each
// database has what its kind needs, whether names are reserved, and whether the ranges and defaults
// of parameters make sense.
void check_databases(const nlohmann::json& databases, mistakes& wrong);

// Reads one database of a section without mistakes.
config::database_t read_database(const nlohmann::json& from);

}  // namespace hangup::server
