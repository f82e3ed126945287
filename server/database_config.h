// The databases of the configuration: what config.cpp does for the rest.
#pragma once

#include <nlohmann/json.hpp>

#include "server/config.h"
#include "server/mistakes.h"

namespace hangup::server {

// What the schema cannot say of the section `databases`, which it has completed: each has what its
// kind needs, names that are taken, parameters whose range and default make sense.
void check_databases(const nlohmann::json& databases, mistakes& wrong);

// One database of a section in which there is no problem.
config::database_t read_database(const nlohmann::json& from);

}  // namespace hangup::server
