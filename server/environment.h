// The configuration by environment variables, for containers: each key as HANGUP_SECTION__KEY.
//
//   HANGUP_LISTEN__PORT=8081                                 listen.port
//   HANGUP_POOLS__QUERY__WORKERS=16                          pools.query.workers
//   HANGUP_DATABASES__PG__CONNINFO_FILE=/run/secrets/pg      databases.pg.conninfo, from a file
//   HANGUP_DATABASES={}                                      databases: none
//   HANGUP_HOST=::1  HANGUP_PORT=8081                        listen.host, listen.port
//   HANGUP_CONFIG=/etc/hangup.json                           the file, as --config
//
// Two underscores stand for a dot, and letters become lower case. In a map, a new name may be used;
// a name that itself contains two underscores can only be given in the JSON of the enclosing
// object. Arrays and objects are given as JSON. An object replaces that of the file, and single
// keys in it may be given in addition.
//
// Any other variable whose name begins with HANGUP_ is a mistake, with two exceptions:
// - Variables that scripts around the server use and the server ignores: HANGUP_HOME, HANGUP_BIN,
//   HANGUP_BINARY, HANGUP_SOURCE, HANGUP_VERSION, HANGUP_SEED, and all that begin with
//   HANGUP_TEST_, HANGUP_BENCH_ or HANGUP_SOAK_.
// - Variables that orchestrators set for a service or container called hangup or hangup-something:
//   HANGUP_PORT=tcp://10.0.0.1:80, HANGUP_PORT_80_TCP_ADDR, HANGUP_SERVICE_HOST,
//   HANGUP_SERVICE_PORT_HTTP, HANGUP_NAME=/web/hangup, HANGUP_ENV_PATH
//   (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables,
//   https://docs.docker.com/engine/network/links/#environment-variables). A name with two
//   underscores in a row whose first part is a section of the configuration is never one of them.
#pragma once

#include <optional>
#include <vector>

#include "server/config_document.h"
#include "server/mistakes.h"

namespace hangup::server {

struct environment {
  std::vector<setting> settings;      // in the order of their keys
  std::optional<std::string> config;  // the path in HANGUP_CONFIG
  mistakes wrong;
};

// Reads an environment: an array like that of main(), ended by a null pointer (null: an empty one).
// A variable with the suffix `_FILE`, which no key of the schema has, names a file of up to 64 KiB
// that is not empty and contains the value; line breaks at its end are ignored. Mistakes are
// unknown names, keys that are given twice in different ways, and files that cannot be read.
environment read_environment(const char* const* variables);

}  // namespace hangup::server
