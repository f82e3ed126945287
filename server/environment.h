// The configuration by environment, for containers: every key as HANGUP_SECTION__KEY.
//
//   HANGUP_LISTEN__PORT=8081                                 listen.port
//   HANGUP_POOLS__QUERY__WORKERS=16                          pools.query.workers
//   HANGUP_DATABASES__PG__CONNINFO_FILE=/run/secrets/pg      databases.pg.conninfo, from a file
//   HANGUP_DATABASES={}                                      databases: none
//
// Two underscores are a dot; letters are small in keys. A name of a map may be new; one with two
// underscores in it can only be said within the object around it. An array or an object is given as
// JSON, an object instead of the file's, and the keys in it may be given beside it.
#pragma once

#include <vector>

#include "server/document.h"

namespace hangup::server {

// Those of an environment, an array as that of main() which a null pointer ends (null: none), in
// the order of their keys. With `_FILE` at its end, which no key of the schema is named by, a
// variable has the path of a file of up to 64 KiB that is not empty; line breaks at its end are
// none of the value. Other names without two underscores are not ours, unless they are a key when
// some underscore is doubled: orchestrators set HANGUP_PORT=tcp://10.0.0.1:80 and more for a
// service called hangup
// (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
// Throws config_error for a key that there is not, for one that is given in both ways, and for a
// file that cannot be read, or is a pipe to which nobody writes for ten seconds.
std::vector<setting> settings_of(const char* const* environment);

}  // namespace hangup::server
