// The configuration by environment, for containers: every key as HANGUP_SECTION__KEY.
//
//   HANGUP_LISTEN__PORT=8081                                 listen.port
//   HANGUP_POOLS__QUERY__WORKERS=16                          pools.query.workers
//   HANGUP_DATABASES__PG__CONNINFO_FILE=/run/secrets/pg      databases.pg.conninfo, from a file
//
// Two underscores are a dot; letters are small in keys. A name of a map that has other letters
// cannot be said so. An array or an object is given as JSON.
#pragma once

#include <vector>

#include "server/document.h"

namespace hangup::server {

// Those of an environment, an array as that of main() which a null pointer ends (null: none), in
// the order of their keys. With `_FILE` at its end, which no key of the schema is named by, a
// variable has the path of a file of up to 64 KiB; a line break at the file's end is none of the
// value. Names without two underscores are not ours: orchestrators set such for a service called
// hangup (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
// Throws config_error for a key that there is not, for one that is given in both ways, and for a
// file that cannot be read.
std::vector<setting> settings_of(const char* const* environment);

}  // namespace hangup::server
