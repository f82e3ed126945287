// The configuration by environment, for containers: every key as HANGUP_SECTION__KEY.
//
//   HANGUP_LISTEN__PORT=8081                                 listen.port
//   HANGUP_POOLS__QUERY__WORKERS=16                          pools.query.workers
//   HANGUP_DATABASES__PG__CONNINFO_FILE=/run/secrets/pg      databases.pg.conninfo, from a file
//   HANGUP_DATABASES={}                                      databases: none
//   HANGUP_HOST=::1  HANGUP_PORT=8081                        listen.host, listen.port
//   HANGUP_CONFIG=/etc/hangup.json                           the file, as --config
//
// Two underscores are a dot; letters are small in keys. A name of a map may be new; one with two
// underscores in it can only be said within the object around it. An array or an object is given as
// JSON, an object instead of the file's, and the keys in it may be given beside it.
//
// Any other variable whose name begins with HANGUP_ is a mistake, but for
//   - those that scripts around the server use and the server does not read: HANGUP_HOME,
//     HANGUP_BIN, HANGUP_BINARY, HANGUP_DIR, HANGUP_ROOT, HANGUP_SOURCE, HANGUP_URL,
//     HANGUP_VERSION, HANGUP_SEED, HANGUP_PORTS, HANGUP_PROXY_PORT, HANGUP_PROMETHEUS_PORT, and all
//     that begin with HANGUP_TEST_, HANGUP_BENCH_ or HANGUP_SOAK_;
//   - those that orchestrators set for a service or a container called hangup, or hangup-something:
//     HANGUP_PORT=tcp://10.0.0.1:80, HANGUP_PORT_80_TCP_ADDR, HANGUP_SERVICE_HOST,
//     HANGUP_SERVICE_PORT_HTTP, HANGUP_NAME=/web/hangup, HANGUP_ENV_PATH
//     (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables,
//     https://docs.docker.com/engine/network/links/#environment-variables).
#pragma once

#include <optional>
#include <vector>

#include "server/document.h"
#include "server/mistakes.h"

namespace hangup::server {

struct environment {
  std::vector<setting> settings;      // in the order of their keys
  std::optional<std::string> config;  // the path in HANGUP_CONFIG
  mistakes wrong;
};

// Reads an environment, an array as that of main() which a null pointer ends (null: none). With
// `_FILE` at its end, which no key of the schema is named by, a variable has the path of a file of
// up to 64 KiB that is not empty; line breaks at its end are none of the value. A mistake is a name
// that is not known, a key that is given twice in different ways, and a file that cannot be read.
environment read_environment(const char* const* variables);

}  // namespace hangup::server
